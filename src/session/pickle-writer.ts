import { writeFloat, writeLong, writeNumber, writeSized } from './pickle-atoms.ts';
import { HashableKeys } from './pickle-hashable.ts';
import { OP } from './pickle-opcodes.ts';
import { PickleOutput } from './pickle-output.ts';
import { encodeUtf8 } from './pickle-text.ts';
import {
  MAX_PICKLE_DEPTH,
  PickleError,
  PyByteArray,
  type PyConstruction,
  PyFloat,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PyPersistentId,
  PyTuple,
} from './pickle-values.ts';

/**
 * Writes a value as a pickle that Python loads as its equal, with shared references and cycles
 * kept. It is of protocol 4: the oldest that has opcodes for all that we write, so that every
 * Python from 3.4 on reads it, whatever newer protocol it writes itself. Frames, which PEP 3154
 * leaves to the writer, are left out. As in JSON, a property that is undefined is left out, and an
 * item of an array that is undefined becomes None.
 *
 * @throws PickleError where a value has no equal in Python (a function, a symbol, an instance of
 * an unknown class, a key that Python cannot hash), nests deeper than MAX_PICKLE_DEPTH or exceeds
 * MAX_PICKLE_BYTES
 */
export function writePickle(value: unknown): Buffer {
  const output = new PickleOutput();
  output.byte(OP.PROTO);
  output.byte(4);
  new Pickler(output).save(value);
  output.byte(OP.STOP);
  return output.bytes();
}

class Pickler {
  readonly #output: PickleOutput;
  /** Strings by value, everything else by identity, as Python shares them. */
  readonly #memo = new Map<unknown, number>();
  readonly #keys = new HashableKeys();
  /** Where the value in hand is, for messages; its length is the depth. */
  readonly #path: string[] = [];

  constructor(output: PickleOutput) {
    this.#output = output;
  }

  save(value: unknown): void {
    if (value === null) this.#output.byte(OP.NONE);
    else if (typeof value === 'boolean') this.#output.byte(value ? OP.NEWTRUE : OP.NEWFALSE);
    else if (typeof value === 'number') writeNumber(this.#output, value);
    else if (typeof value === 'bigint') writeLong(this.#output, value);
    else if (this.#recall(value)) return;
    else if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'object') this.#object(value);
    else throw this.#error(`a value of type ${typeof value} cannot be stored; store plain data`);
  }

  #object(value: object): void {
    if (Array.isArray(value)) this.#list(value);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else if (value instanceof Set) this.#set(value);
    else if (value instanceof Map) this.#dict(value, value);
    else if (value instanceof PyFloat) writeFloat(this.#output, value.value);
    else if (value instanceof PyTuple) this.#tuple(value);
    else if (value instanceof PyFrozenSet) this.#frozenSet(value);
    else if (value instanceof PyByteArray) this.#byteArray(value);
    else if (value instanceof PyGlobal) this.#global(value);
    else if (value instanceof PyObject) this.#instance(value);
    else if (value instanceof PyPersistentId) this.#persistent(value);
    else this.#record(value);
  }

  #record(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) {
      const name = value.constructor?.name || 'an unnamed class';
      throw this.#error(`an instance of ${name} cannot be stored; store its plain data`);
    }
    this.#dict(value, Object.entries(value));
  }

  #string(value: string): void {
    const bytes = encodeUtf8(value);
    writeSized(this.#output, OP.SHORT_BINUNICODE, OP.BINUNICODE, bytes);
    this.#memoize(value);
  }

  #bytes(bytes: Uint8Array): void {
    writeSized(this.#output, OP.SHORT_BINBYTES, OP.BINBYTES, bytes);
    this.#memoize(bytes);
  }

  /** `bytearray(bytes)`, as its opcode is of protocol 5. */
  #byteArray(value: PyByteArray): void {
    this.save(BYTEARRAY);
    this.save(value.bytes);
    this.#output.byte(OP.TUPLE1);
    this.#output.byte(OP.REDUCE);
    this.#memoize(value);
  }

  #list(items: readonly unknown[]): void {
    this.#output.byte(OP.EMPTY_LIST);
    this.#memoize(items);
    this.#items(items, OP.APPENDS);
  }

  #set(items: ReadonlySet<unknown>): void {
    this.#output.byte(OP.EMPTY_SET);
    this.#memoize(items);
    if (items.size === 0) return;
    this.#output.byte(OP.MARK);
    for (const item of items) this.#key(item ?? null);
    this.#output.byte(OP.ADDITEMS);
  }

  #items(items: readonly unknown[], opcode: number): void {
    if (items.length === 0) return;
    this.#output.byte(OP.MARK);
    for (let i = 0; i < items.length; i++) this.#inside(`[${i}]`, items[i] ?? null);
    this.#output.byte(opcode);
  }

  #dict(identity: object, entries: Iterable<readonly [unknown, unknown]>): void {
    this.#output.byte(OP.EMPTY_DICT);
    this.#memoize(identity);
    this.#entries(entries);
  }

  #entries(entries: Iterable<readonly [unknown, unknown]>): void {
    let empty = true;
    for (const [key, value] of entries) {
      if (value === undefined) continue;
      if (empty) this.#output.byte(OP.MARK);
      empty = false;
      this.#key(key);
      this.#inside(typeof key === 'string' ? `.${key}` : '[…]', value);
    }
    if (!empty) this.#output.byte(OP.SETITEMS);
  }

  /**
   * A tuple exists only once its items do. Where it is reached again through them, it has been
   * written by then: what is on the stack is dropped for the one in the memo.
   */
  #tuple(tuple: PyTuple): void {
    const { length } = tuple.items;
    if (length === 0) {
      this.#output.byte(OP.EMPTY_TUPLE);
      return;
    }
    if (length > 3) this.#output.byte(OP.MARK);
    tuple.items.forEach((item, i) => {
      this.#inside(`[${i}]`, item);
    });
    if (this.#memo.has(tuple)) {
      if (length > 3) this.#output.byte(OP.POP_MARK);
      else for (let i = 0; i < length; i++) this.#output.byte(OP.POP);
      this.#recall(tuple);
      return;
    }
    this.#output.byte([OP.TUPLE1, OP.TUPLE2, OP.TUPLE3][length - 1] ?? OP.TUPLE);
    this.#memoize(tuple);
  }

  /** As a tuple: it exists only once its items do. */
  #frozenSet(set: PyFrozenSet): void {
    this.#output.byte(OP.MARK);
    for (const item of set.items) this.#key(item);
    if (this.#memo.has(set)) {
      this.#output.byte(OP.POP_MARK);
      this.#recall(set);
      return;
    }
    this.#output.byte(OP.FROZENSET);
    this.#memoize(set);
  }

  #global(global: PyGlobal): void {
    this.save(global.module);
    this.save(global.qualname);
    this.#output.byte(OP.STACK_GLOBAL);
    this.#memoize(global);
  }

  #instance(object: PyObject): void {
    this.#construct(object);
    if (this.#memo.has(object)) {
      this.#output.byte(OP.POP);
      this.#recall(object);
      return;
    }
    this.#memoize(object);
    this.#items(object.listItems, OP.APPENDS);
    this.#entries(pairs(object.dictItems));
    if (object.state === undefined) return;
    if (object.stateSetter !== undefined) {
      this.#inside('state setter', object.stateSetter);
      this.save(object);
    }
    this.#inside('', object.state);
    if (object.stateSetter === undefined) {
      this.#output.byte(OP.BUILD);
    } else {
      this.#output.byte(OP.TUPLE2);
      this.#output.byte(OP.REDUCE);
      this.#output.byte(OP.POP);
    }
  }

  #construct({ construction, callable, args, kwargs }: PyObject): void {
    if (construction === 'obj') this.#output.byte(OP.MARK);
    this.#inside('callable', callable);
    if (construction === 'obj') {
      for (const arg of args.items) this.#inside('an argument', arg);
    } else {
      this.#inside('arguments', args);
    }
    if (construction === 'newobj_ex') this.#inside('keyword arguments', kwargs ?? {});
    this.#output.byte(CONSTRUCTORS[construction]);
  }

  #persistent(reference: PyPersistentId): void {
    this.#inside('persistent id', reference.id);
    this.#output.byte(OP.BINPERSID);
    this.#memoize(reference);
  }

  #inside(step: string, value: unknown): void {
    // What holds nothing is no deeper than what it is in, as the reader has it.
    const isDeeper = typeof value === 'object' && value !== null;
    if (isDeeper && this.#path.length >= MAX_PICKLE_DEPTH) {
      throw new PickleError(`values nested deeper than ${MAX_PICKLE_DEPTH} cannot be stored`);
    }
    this.#path.push(step);
    this.save(value);
    this.#path.pop();
  }

  /** A key of a dict, or an item of a set. */
  #key(key: unknown): void {
    this.#keys.check(key);
    this.#inside('a key', key);
  }

  #memoize(value: unknown): void {
    this.#memo.set(value, this.#memo.size);
    this.#output.byte(OP.MEMOIZE);
  }

  #recall(value: unknown): boolean {
    const index = this.#memo.get(value);
    if (index === undefined) return false;
    if (index < 0x100) {
      this.#output.byte(OP.BINGET);
      this.#output.byte(index);
    } else {
      this.#output.byte(OP.LONG_BINGET);
      this.#output.uint32(index);
    }
    return true;
  }

  #error(message: string): PickleError {
    const path = this.#path.slice(0, 8).join('').replace(/^\./, '');
    return new PickleError(path === '' ? message : `at ${path}: ${message}`);
  }
}

const CONSTRUCTORS: Readonly<Record<PyConstruction, number>> = {
  reduce: OP.REDUCE,
  newobj: OP.NEWOBJ,
  newobj_ex: OP.NEWOBJ_EX,
  obj: OP.OBJ,
};

const BYTEARRAY = new PyGlobal('builtins', 'bytearray');

function* pairs(entries: readonly unknown[]): Generator<readonly [unknown, unknown]> {
  for (let i = 0; i < entries.length; i += 2) yield [entries[i], entries[i + 1]];
}
