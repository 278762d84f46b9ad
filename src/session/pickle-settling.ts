import { HashableKeys } from './pickle-hashable.ts';
import { PendingDict } from './pickle-machine.ts';
import {
  MAX_PICKLE_DEPTH,
  PickleError,
  type PyDict,
  PyFrozenSet,
  PyObject,
  PyPersistentId,
  PyTuple,
  type PyValue,
} from './pickle-values.ts';

/**
 * Turns the dicts of a pickle that was read to its end into objects and Maps, everywhere in the
 * graph; shared references stay shared and cycles stay cycles.
 * @throws PickleError where the graph is deeper than MAX_PICKLE_DEPTH, or a dict's key or a set's
 * item is one that Python cannot hash
 */
export function settle(value: PyValue): PyValue {
  return new Settling().settle(value, 0);
}

class Settling {
  readonly #seen = new Set<object>();
  readonly #dicts = new Map<PendingDict, PyDict>();
  readonly #keys = new HashableKeys();

  settle(value: PyValue, depth: number): PyValue {
    if (value === null || typeof value !== 'object') return value;
    if (depth > MAX_PICKLE_DEPTH) {
      throw new PickleError(`values are nested deeper than ${MAX_PICKLE_DEPTH}`);
    }
    const node: unknown = value;
    if (node instanceof PendingDict) return this.#dicts.get(node) ?? this.#dict(node, depth);
    if (this.#seen.has(value)) return value;
    this.#seen.add(value);
    if (Array.isArray(value)) this.#list(value, depth);
    else if (value instanceof PyTuple) this.#list(value.items, depth);
    else if (value instanceof Set) this.#hashable(value, depth);
    else if (value instanceof PyFrozenSet) this.#hashable(value.items, depth);
    else if (value instanceof PyObject) this.#object(value, depth);
    else if (value instanceof PyPersistentId) value.id = this.settle(value.id, depth + 1);
    return value;
  }

  #list(items: PyValue[], depth: number): void {
    for (let i = 0; i < items.length; i++) items[i] = this.settle(items[i] as PyValue, depth + 1);
  }

  #hashable(items: Iterable<PyValue>, depth: number): void {
    for (const item of items) {
      this.#keys.check(item);
      this.settle(item, depth + 1);
    }
  }

  #object(object: PyObject, depth: number): void {
    this.settle(object.callable, depth + 1);
    this.settle(object.args, depth + 1);
    if (object.kwargs !== undefined) object.kwargs = this.settle(object.kwargs, depth + 1);
    this.#list(object.listItems, depth);
    for (let i = 0; i < object.dictItems.length; i += 2) {
      this.#keys.check(object.dictItems[i]);
    }
    this.#list(object.dictItems, depth);
    if (object.stateSetter !== undefined) this.settle(object.stateSetter, depth + 1);
    if (object.state !== undefined) object.state = this.settle(object.state, depth + 1);
  }

  #dict(pending: PendingDict, depth: number): PyDict {
    const { entries } = pending;
    const named = entries.every((entry, i) => i % 2 === 1 || typeof entry === 'string');
    const dict = named
      ? (Object.create(null) as Record<string, PyValue>)
      : new Map<PyValue, PyValue>();
    this.#dicts.set(pending, dict);
    for (let i = 0; i < entries.length; i += 2) {
      const key = entries[i] as PyValue;
      this.#keys.check(key);
      this.settle(key, depth + 1);
      const value = this.settle(entries[i + 1] as PyValue, depth + 1);
      if (dict instanceof Map) dict.set(key, value);
      else dict[key as string] = value;
    }
    return dict;
  }
}
