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
  /** Objects, each counted once. */
  readonly nodes: number;
  /** As many as there were if nothing was shared; Infinity in a cycle that a tuple is part of. */
  readonly size: number;
}

/** Looks through a value, however it is nested. */
export function graphOf(value: PyValue): Graph {
  const sizes = new Map<object, number>();
  let plain = true;
  const look = (node: PyValue): number => {
    if (node === null || typeof node !== 'object') return 1;
    const known = sizes.get(node);
    if (known !== undefined) return known;
    // In a cycle a list is described as a reference, a tuple again and again.
    sizes.set(node, node instanceof PyTuple ? Number.POSITIVE_INFINITY : 1);
    if (isForeign(node)) plain = false;
    const size = childrenOf(node).reduce<number>((sum, child) => sum + look(child), 1);
    sizes.set(node, size);
    return size;
  };
  const size = look(value);
  return { plain, nodes: sizes.size, size };
}

/**
 * Whether a dict or set has keys of which Python takes two for one and JavaScript does not, or the
 * other way. Of a value that is not too large.
 */
export function hasMergeableKeys(value: PyValue): boolean {
  const seen = new Set<object>();
  const look = (node: PyValue): boolean => {
    if (node === null || typeof node !== 'object' || seen.has(node)) return false;
    seen.add(node);
    return areMergeable(keysOf(node)) || childrenOf(node).some(look);
  };
  return look(value);
}

/** 1, 1.0 and True are one key to Python, and equal tuples are; each NaN is one by itself. */
function areMergeable(keys: readonly PyValue[]): boolean {
  const equals = keys.map((key) => equalsOf(key));
  return new Set(equals).size < keys.length || equals.some((text) => text.includes('NaN'));
}

/** A text that is the same for two keys, if Python takes them for one. */
function equalsOf(key: PyValue): string {
  if (typeof key === 'boolean' || typeof key === 'bigint') return `number ${BigInt(key)}`;
  if (typeof key === 'number' || key instanceof PyFloat) {
    const number = Number(key);
    return `number ${Number.isInteger(number) ? BigInt(number) : number}`;
  }
  if (typeof key === 'string') return JSON.stringify(key);
  if (key instanceof Uint8Array) return `bytes ${Buffer.from(key).toString('hex')}`;
  if (key instanceof PyTuple) return `(${key.items.map(equalsOf).join()})`;
  if (key instanceof PyFrozenSet) return `{${[...key.items].map(equalsOf).sort().join()}}`;
  return String(key);
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
