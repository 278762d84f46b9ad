import { cmemcacheHash, md5Words, murmur3, oneAtATime } from './hashes.ts';
import type { NodeAddress } from './node-address.ts';

/** The client libraries, with their settings, whose choice of node can be followed. */
export const PLACEMENTS = [
  'pymemcache',
  'python-memcached',
  'pylibmc',
  'pylibmc-ketama',
  'pylibmc-ketama-weighted',
] as const;
export type Placement = (typeof PLACEMENTS)[number];

/**
 * The nodes of a key, as indices into the list of nodes: first the one that the client library
 * uses while all are well, then every other one in the order that is natural to its layout.
 */
export type NodeOrder = (key: string) => readonly number[];

/** The order of nodes for any key, as `placement` has it; weights are not known here. */
export function createPlacement(placement: Placement, nodes: readonly NodeAddress[]): NodeOrder {
  if (nodes.length === 0) throw new Error('placement needs at least one node');
  switch (placement) {
    case 'pymemcache':
      return rendezvous(nodes);
    case 'python-memcached':
      return rehashedModulo(nodes.length);
    case 'pylibmc':
      return modulo(nodes.length);
    case 'pylibmc-ketama':
      return ring(ketamaPoints(nodes), nodes.length, (key) => oneAtATime(Buffer.from(key)));
    case 'pylibmc-ketama-weighted':
      return ring(weightedKetamaPoints(nodes), nodes.length, (key) => md5Words(key)[0]);
  }
}

/**
 * pymemcache, `RendezvousHash.get_node`: the highest murmur3 of `<node>-<key>` wins, a tie goes to
 * the greater node string. The node string has no brackets: `::1:11211`.
 */
function rendezvous(nodes: readonly NodeAddress[]): NodeOrder {
  const names = nodes.map(({ host, port }) => (port === 0 ? host : `${host}:${port}`));
  return (key) => {
    const scores = names.map((name) => murmur3(codePointBytes(`${name}-${key}`)));
    return names
      .map((_, index) => index)
      .sort((a, b) => scores[b]! - scores[a]! || (names[a]! < names[b]! ? 1 : -1));
  };
}

/** pymemcache hashes the low byte of each code point of the text, not its UTF-8 bytes. */
function codePointBytes(text: string): Uint8Array {
  if (!/[\ud800-\udfff]/.test(text)) return Buffer.from(text, 'latin1');
  return Uint8Array.from(text, (character) => character.codePointAt(0)!);
}

/**
 * python-memcached, `Client._get_server`: modulo, and past a dead node the hash of the decimal
 * hash followed by the number of the try. After its ten tries the client gives up; what is left
 * follows in list order.
 */
function rehashedModulo(count: number): NodeOrder {
  const tries = 10;
  return (key) => {
    const order = new Set<number>();
    let hash = cmemcacheHash(key);
    for (let attempt = 0; attempt < tries && order.size < count; attempt++) {
      order.add(hash % count);
      hash = cmemcacheHash(`${hash}${attempt}`);
    }
    for (let index = 0; index < count; index++) order.add(index);
    return [...order];
  };
}

/** libmemcached's default, `MEMCACHED_DISTRIBUTION_MODULA`; list order after the first. */
function modulo(count: number): NodeOrder {
  return (key) => {
    const first = oneAtATime(Buffer.from(key)) % count;
    return Array.from({ length: count }, (_, step) => (first + step) % count);
  };
}

interface Point {
  readonly value: number;
  readonly node: number;
}

/** libmemcached, `update_continuum`: 100 points a node. */
function ketamaPoints(nodes: readonly NodeAddress[]): Point[] {
  return nodes.flatMap((address, node) =>
    Array.from({ length: 100 }, (_, index) => ({
      value: oneAtATime(Buffer.from(`${pointName(address)}-${index}`)),
      node,
    })),
  );
}

/** libmemcached, `update_continuum` with weighted ketama: the four words of up to 40 MD5 sums. */
function weightedKetamaPoints(nodes: readonly NodeAddress[]): Point[] {
  // The library shares 160 points a node out in single precision, so that for some numbers of
  // nodes (25 is the least) the rounding costs each node four points; the same is done here.
  const share = Math.fround(1 / nodes.length);
  const sums = Math.floor(Math.fround((Math.fround(share * 160) / 4) * nodes.length));
  return nodes.flatMap((address, node) =>
    Array.from({ length: sums }, (_, index) =>
      md5Words(`${pointName(address)}-${index}`).map((value) => ({ value, node })),
    ).flat(),
  );
}

/** libmemcached leaves the port out where it is memcached's own; a unix socket has port 0. */
function pointName({ host, port }: NodeAddress): string {
  return port === 11211 ? host : `${host}:${port}`;
}

/** The first point at or after the key's hash, and from there on each node that is met. */
function ring(points: Point[], count: number, hashOf: (key: string) => number): NodeOrder {
  points.sort((a, b) => a.value - b.value || a.node - b.node);
  return (key) => {
    const start = lowerBound(points, hashOf(key));
    const order = new Set<number>();
    for (let step = 0; order.size < count && step < points.length; step++) {
      order.add(points[(start + step) % points.length]!.node);
    }
    return [...order];
  };
}

/** The index of the first point whose value is at least `value`; the length if there is none. */
function lowerBound(points: readonly Point[], value: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]!.value < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
