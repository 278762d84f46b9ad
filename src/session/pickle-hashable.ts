import {
  MAX_PICKLE_DEPTH,
  PickleError,
  PyFloat,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PyPersistentId,
  PyTuple,
} from './pickle-values.ts';

/**
 * Finds out keys of dicts and items of sets that Python cannot hash: lists, dicts, sets, bytearrays,
 * and tuples that hold any of them. An object of a class that is not known here is taken to be hashable.
 */
export class HashableKeys {
  /** Tuples that were looked through: a tuple may be part of many others. */
  readonly #sound = new Set<PyTuple>();

  /** @throws PickleError where Python cannot hash it, or it is nested deeper than MAX_PICKLE_DEPTH */
  check(key: unknown, depth = 0): void {
    if (key instanceof PyTuple) this.#tuple(key, depth);
    else if (!isHashable(key)) {
      throw new PickleError('a key of a dict, or an item of a set, is one that Python cannot hash');
    }
  }

  #tuple(tuple: PyTuple, depth: number): void {
    if (this.#sound.has(tuple)) return;
    if (depth > MAX_PICKLE_DEPTH) {
      throw new PickleError(`values are nested deeper than ${MAX_PICKLE_DEPTH}`);
    }
    for (const item of tuple.items) this.check(item, depth + 1);
    this.#sound.add(tuple);
  }
}

function isHashable(key: unknown): boolean {
  return (
    key === null ||
    typeof key !== 'object' ||
    key instanceof Uint8Array ||
    key instanceof PyFloat ||
    key instanceof PyFrozenSet ||
    key instanceof PyGlobal ||
    key instanceof PyObject ||
    key instanceof PyPersistentId
  );
}
