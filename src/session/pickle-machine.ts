import { builtInValue } from './pickle-builtins.ts';
import { modernName } from './pickle-legacy-names.ts';
import {
  PickleError,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PyPersistentId,
  PyTuple,
  type PyValue,
} from './pickle-values.ts';

/**
 * A dict whose keys are not all known yet, and with them whether it becomes an object or a Map:
 * keys and values in turn. It is a list, so that a hostile input of nothing but empty dicts costs
 * little for each.
 */
export class PendingDict {
  readonly entries: PyValue[] = [];
}

/**
 * What the opcodes of a pickle work on: a stack with marks, and the memo. A PendingDict stands
 * where a dict will be, typed as a value; `settle` replaces it when the pickle has ended.
 */
export class PickleMachine {
  protocol = 0;
  /**
   * How much more may be copied, so that a short input cannot have a long value copied again and
   * again. Python itself has a bytearray of an old protocol copied twice.
   */
  #budget: number;
  readonly #stack: PyValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PyValue>();

  /** @param size of the input in bytes */
  constructor(size: number) {
    this.#budget = 2 * size;
  }

  push(value: PyValue): void {
    this.#stack.push(value);
  }

  /** Puts a dict on the stack, of keys and values in turn. */
  pushDict(entries: PyValue[]): void {
    const dict = new PendingDict();
    addEntries(dict.entries, entries);
    this.#stack.push(dict as unknown as PyValue);
  }

  pop(): PyValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw new PickleError('the stack is empty');
    return this.#stack.pop() as PyValue;
  }

  top(): PyValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw new PickleError('the stack is empty');
    return this.#stack.at(-1) as PyValue;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** Everything above the topmost mark, which goes as well. */
  popMark(): PyValue[] {
    const start = this.#marks.pop();
    if (start === undefined) throw new PickleError('there is no mark on the stack');
    return this.#stack.splice(start);
  }

  /** The last `count` values, as a tuple. */
  popTuple(count: number): void {
    const items: PyValue[] = [];
    for (let i = 0; i < count; i++) items.unshift(this.pop());
    this.push(new PyTuple(items));
  }

  remember(index: number): void {
    this.#memo.set(index, this.top());
  }

  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleError(`the memo has no entry ${index}`);
    this.push(value);
  }

  /**
   * POP or, where a mark is on top, that. A call that is popped at once is how Python hands a
   * state to a function of the object's own (`stateSetter`).
   */
  discard(): void {
    if (this.#marks.at(-1) === this.#stack.length) {
      this.#marks.pop();
      return;
    }
    const call = this.pop();
    if (!(call instanceof PyObject) || call.construction !== 'reduce') return;
    const [object, state] = call.args.items;
    if (call.args.items.length !== 2 || object !== this.#stack.at(-1)) return;
    if (!(object instanceof PyObject)) return;
    this.#giveState(object, state as PyValue);
    object.stateSetter = call.callable;
  }

  append(items: PyValue[]): void {
    const target = this.top();
    const list = target instanceof PyObject ? target.listItems : target;
    if (!Array.isArray(list)) throw new PickleError('items are appended to what is no list');
    for (const item of items) list.push(item);
  }

  setItems(entries: PyValue[]): void {
    const target: unknown = this.top();
    if (target instanceof PendingDict) addEntries(target.entries, entries);
    else if (target instanceof PyObject) addEntries(target.dictItems, entries);
    else throw new PickleError('items are set on what is no dict');
  }

  addToSet(items: PyValue[]): void {
    const target = this.top();
    if (!(target instanceof Set)) throw new PickleError('items are added to what is no set');
    for (const item of items) target.add(item);
  }

  frozenSet(): void {
    this.push(new PyFrozenSet(this.popMark()));
  }

  global(module: string, name: string): PyGlobal {
    if (this.protocol >= 3) return new PyGlobal(module, name);
    return new PyGlobal(...modernName(module, name));
  }

  stackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof name !== 'string' || typeof module !== 'string') {
      throw new PickleError('a global is not named by strings');
    }
    this.push(this.global(module, name));
  }

  /** An old-style instance of Python 2. */
  instance(callable: PyValue, args: PyValue[]): void {
    this.push(new PyObject('obj', asCallable(callable), new PyTuple(args)));
  }

  reduce(): void {
    const args = asTuple(this.pop());
    const callable = asCallable(this.pop());
    const builtIn = builtInValue(callable, args.items, (size) => this.#charge(size));
    this.push(builtIn ?? new PyObject('reduce', callable, args));
  }

  newObject(): void {
    const args = asTuple(this.pop());
    this.push(new PyObject('newobj', asCallable(this.pop()), args));
  }

  newObjectEx(): void {
    const kwargs = this.pop();
    const args = asTuple(this.pop());
    const object = new PyObject('newobj_ex', asCallable(this.pop()), args);
    if (!((kwargs as unknown) instanceof PendingDict)) {
      throw new PickleError('keyword arguments are no dict');
    }
    object.kwargs = kwargs;
    this.push(object);
  }

  build(): void {
    const state = this.pop();
    const object = this.top();
    if (!(object instanceof PyObject)) {
      throw new PickleError('a state is given to what has no attributes');
    }
    this.#giveState(object, state);
  }

  persistent(id: PyValue): void {
    this.push(new PyPersistentId(id));
  }

  #giveState(object: PyObject, state: PyValue): void {
    if (object.state !== undefined) throw new PickleError('an object is given a state twice');
    object.state = state;
  }

  #charge(size: number): void {
    this.#budget -= size;
    if (this.#budget < 0) throw new PickleError('values are copied again and again');
  }
}

function addEntries(target: PyValue[], entries: PyValue[]): void {
  if (entries.length % 2 !== 0) throw new PickleError('a dict has a key without a value');
  for (const entry of entries) target.push(entry);
}

function asTuple(value: PyValue): PyTuple {
  if (!(value instanceof PyTuple)) throw new PickleError('arguments are no tuple');
  return value;
}

function asCallable(value: PyValue): PyGlobal | PyObject {
  if (value instanceof PyGlobal || value instanceof PyObject) return value;
  throw new PickleError('what is called is neither a class nor a function');
}
