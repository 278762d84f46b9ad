import { crc32 } from 'node:zlib';
import { messageOf } from '../errors.ts';
import { ProtocolError } from '../memcached/client.ts';
import { listKeys } from '../memcached/key-listing.ts';
import type { NodeAddress } from '../memcached/node-address.ts';

/** How long a node may be silent in the middle of its list, and the whole list take, in ms. */
const SILENCE_MS = 1_500;
const LIST_MS = 2_400;
/** Most keys that are kept of a node. */
const MAX_KEPT = 20_000;
const MAX_PREFIXES = 100;
const HASHES = 2 ** 32;

/** Session keys of Django's whatever its KEY_PREFIX, which is an ordinary word. */
const ANY_SESSION = /^([\w.-]{0,50}:\d{1,7}:)django\.contrib\.sessions\.cache[a-z0-9]{32}$/;

/** The sessions that one node has. The keys have session ids in them: they must not be shown. */
export interface SessionList {
  /** Of sessions under the prefix that was asked for, those whose keys have a hash below `below`. */
  readonly keys: ReadonlySet<string>;
  readonly below: number;
  /** How many sessions there are under it. */
  readonly sessions: number;
  /** How many sessions there are under other prefixes, by prefix. */
  readonly others: ReadonlyMap<string, number>;
}

/** Why a node has not told its sessions. */
export interface NoList {
  readonly refusal: string;
}

/**
 * Lists the sessions of a node. Where there are very many a part of them is kept, which is chosen by
 * their keys alone: of another node the same ones. Never rejects.
 */
export async function listSessions(
  node: NodeAddress,
  prefix: string,
): Promise<SessionList | NoList> {
  const keys = new Set<string>();
  const others = new Map<string, number>();
  let below = HASHES;
  let sessions = 0;
  const started = performance.now();
  try {
    for await (const portion of listKeys(node, { timeoutMs: SILENCE_MS })) {
      for (const key of portion) {
        if (!key.startsWith(prefix)) {
          const other = ANY_SESSION.exec(key)?.[1];
          if (other !== undefined) count(others, other);
          continue;
        }
        sessions += 1;
        if (crc32(key) < below) keys.add(key);
        if (keys.size > MAX_KEPT) {
          below /= 2;
          keepBelow(keys, below);
        }
      }
      if (performance.now() - started > LIST_MS) {
        return { refusal: `it has more keys than can be listed within ${LIST_MS} ms` };
      }
    }
  } catch (error) {
    return { refusal: refusalOf(error) };
  }
  return { keys, below, sessions, others };
}

/** Without what the node sent, which may be a key. */
function refusalOf(error: unknown): string {
  if (!(error instanceof ProtocolError)) {
    return messageOf(error).replace(/^memcached node \S+ is unavailable: /, '');
  }
  if (error.line?.startsWith('BUSY')) return 'it is busy with another list';
  return 'it does not list its keys (lru_crawler metadump hash)';
}

/** The keys that all lists can be asked about: each with the indices of the nodes that have it. */
export function holdersOf(lists: readonly (SessionList | NoList)[]): Map<string, number[]> {
  const told = lists.map((list) => ('keys' in list ? list : undefined));
  const below = Math.min(...told.map((list) => list?.below ?? HASHES));
  const holders = new Map<string, number[]>();
  for (const [node, list] of told.entries()) {
    for (const key of list?.keys ?? []) {
      if (crc32(key) >= below) continue;
      const nodes = holders.get(key);
      if (nodes) nodes.push(node);
      else holders.set(key, [node]);
    }
  }
  return holders;
}

function count(others: Map<string, number>, prefix: string): void {
  const before = others.get(prefix);
  if (before !== undefined || others.size < MAX_PREFIXES) others.set(prefix, (before ?? 0) + 1);
}

function keepBelow(keys: Set<string>, below: number): void {
  for (const key of keys) if (crc32(key) >= below) keys.delete(key);
}
