/**
 * Python values in JavaScript. Where JavaScript has an equal, that is used: None is `null`, bool a
 * boolean, str a string, bytes a Buffer, list an array, set a Set; an int is a number, or a bigint
 * beyond 2^53; a float that is no whole number is a number; a dict is an object without a
 * prototype where all its keys are strings, otherwise a Map. The classes of this file stand for
 * the rest. They are inert: nothing of them is ever looked up, constructed or called.
 *
 * A dict's order is kept but for keys that look like array indices, which JavaScript puts first;
 * Python compares dicts without regard to order.
 */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyValue[]
  | Set<PyValue>
  | PyDict
  | PyFloat
  | PyTuple
  | PyFrozenSet
  | PyByteArray
  | PyGlobal
  | PyObject
  | PyPersistentId;

export type PyDict = { [key: string]: PyValue } | Map<PyValue, PyValue>;

/** Largest pickle, in bytes, that is read or written; memcached keeps 1 MiB unless told otherwise. */
export const MAX_PICKLE_BYTES = 8 * 1024 * 1024;

/**
 * Most opcodes of a pickle that is read: as many as fit into 1 MiB. Each may cost some 100 bytes of
 * memory, and a compressed pickle can be all opcodes.
 */
export const MAX_PICKLE_OPCODES = 1024 * 1024;

/**
 * Deepest nesting that is read or written. Python's own pickler gives up at its recursion limit,
 * 1,000 calls.
 */
export const MAX_PICKLE_DEPTH = 1000;

/** Bytes that are no pickle we can read, or a value that cannot be pickled. */
export class PickleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PickleError';
  }
}

/** A float whose value is a whole number, such as `1.0`; as a plain number it would be an int. */
export class PyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }
}

export class PyTuple {
  readonly items: PyValue[];

  constructor(items: PyValue[]) {
    this.items = items;
  }

  toJSON(): PyValue[] {
    return this.items;
  }
}

export class PyFrozenSet {
  readonly items: Set<PyValue>;

  constructor(items: Iterable<PyValue>) {
    this.items = new Set(items);
  }

  toJSON(): PyValue[] {
    return [...this.items];
  }
}

export class PyByteArray {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** A class or function by its name; never looked up. */
export class PyGlobal {
  readonly module: string;
  readonly qualname: string;

  constructor(module: string, qualname: string) {
    this.module = module;
    this.qualname = qualname;
  }

  toString(): string {
    return `${this.module}.${this.qualname}`;
  }

  toJSON(): string {
    return `<${this}>`;
  }
}

/**
 * How Python is told to make an object: `reduce` calls `callable(*args)`; `newobj` calls
 * `callable.__new__(callable, *args)`; `newobj_ex` the same with keyword arguments; `obj` is the
 * instance of an old-style class of Python 2.
 */
export type PyConstruction = 'reduce' | 'newobj' | 'newobj_ex' | 'obj';

/** An object of a class that JavaScript knows nothing of: the recipe, not the result. */
export class PyObject {
  readonly construction: PyConstruction;
  readonly callable: PyGlobal | PyObject;
  readonly args: PyTuple;
  /** The keyword arguments, a dict, of `newobj_ex`. */
  kwargs: PyValue | undefined;
  /** What is appended to it, as to a list. */
  readonly listItems: PyValue[] = [];
  /** What is set on it, as on a dict: keys and values in turn. */
  readonly dictItems: PyValue[] = [];
  /** Usually the dict of its attributes; `undefined` where the pickle gives it no state. */
  state: PyValue | undefined;
  /** The function that takes the state instead of the object itself (PEP 574's sixth item). */
  stateSetter: PyGlobal | PyObject | undefined;

  constructor(construction: PyConstruction, callable: PyGlobal | PyObject, args: PyTuple) {
    this.construction = construction;
    this.callable = callable;
    this.args = args;
  }

  /** Short and without contents: an object may hold secrets, and its graph may be endless. */
  toJSON(): string {
    return `<${this.callable instanceof PyGlobal ? this.callable : 'object'} object>`;
  }
}

/** A reference to something outside of the pickle. */
export class PyPersistentId {
  id: PyValue;

  constructor(id: PyValue) {
    this.id = id;
  }

  toJSON(): string {
    return '<persistent id>';
  }
}

/** An int as the narrowest of number and bigint that holds it exactly. */
export function integer(value: bigint): number | bigint {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}

/** A float; wrapped where a plain number would be taken for an int. */
export function float(value: number): number | PyFloat {
  return Number.isSafeInteger(value) ? new PyFloat(value) : value;
}
