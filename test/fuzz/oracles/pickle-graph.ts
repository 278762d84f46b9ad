import {
  PyByteArray,
  PyFloat,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PyPersistentId,
  PyTuple,
  type PyValue,
} from '../../../src/session/pickle-values.ts';

/** What there is to say of a value before it is compared. */
export interface Graph {
  /** Nothing in it is a class, an object, or a reference to what is outside. */
  readonly plain: boolean;
  /** A dict or set has keys that Python may take for equal where JavaScript tells them apart. */
  readonly mergeable: boolean;
  /** Objects, each counted once. */
  readonly nodes: number;
  /** As many as there were if nothing was shared; Infinity in a cycle that a tuple is part of. */
  readonly size: number;
}

/** Looks through a value, however it is nested. */
export function graphOf(value: PyValue): Graph {
  const sizes = new Map<object, number>();
  let plain = true;
  let mergeable = false;
  const look = (node: PyValue): number => {
    if (node === null || typeof node !== 'object') return 1;
    const known = sizes.get(node);
    if (known !== undefined) return known;
    // In a cycle a list is described as a reference, a tuple again and again.
    sizes.set(node, node instanceof PyTuple ? Number.POSITIVE_INFINITY : 1);
    if (isForeign(node)) plain = false;
    if (keysOf(node).filter((key) => typeof key !== 'string').length > 1) mergeable = true;
    const size = childrenOf(node).reduce<number>((sum, child) => sum + look(child), 1);
    sizes.set(node, size);
    return size;
  };
  const size = look(value);
  return { plain, mergeable, nodes: sizes.size, size };
}

function isForeign(node: object): boolean {
  return node instanceof PyObject || node instanceof PyGlobal || node instanceof PyPersistentId;
}

function keysOf(node: object): PyValue[] {
  if (node instanceof PyFrozenSet) return [...node.items];
  if (node instanceof Map || node instanceof Set) return [...node.keys()];
  return [];
}

function childrenOf(node: object): PyValue[] {
  if (node instanceof PyFloat || node instanceof PyByteArray || node instanceof Uint8Array)
    return [];
  if (Array.isArray(node)) return node;
  if (node instanceof PyTuple) return node.items;
  if (node instanceof PyFrozenSet) return [...node.items];
  if (node instanceof Set) return [...node];
  if (node instanceof Map) return [...node].flat();
  if (isForeign(node)) return [];
  return Object.values(node);
}
