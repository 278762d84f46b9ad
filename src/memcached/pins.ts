import { createHmac } from 'node:crypto';
import { RecentMap } from '../recent-map.ts';
import { OWN_KEYS } from './own-keys.ts';
import type { StateNode } from './state-node.ts';

export interface PinsOptions {
  readonly nodes: readonly StateNode[];
  /** What all gateways share and nobody else knows. */
  readonly secret: Buffer;
  /** How long a pin lasts, in seconds. */
  readonly ttl: number;
  /** Longest wait for memcached, in ms. */
  readonly waitMs?: number;
  /** Pins that are remembered here at most. */
  readonly maxRemembered?: number;
  /** The clock, in ms. */
  readonly now?: () => number;
}

/** On how many nodes each pin is. */
const COPIES = 2;
const DEFAULT_WAIT_MS = 100;
const DEFAULT_MAX_REMEMBERED = 10_000;
/** The longest name of a backend. */
const NAME = /^[!-~]{1,256}$/;

interface Remembered {
  readonly name: string;
  readonly until: number;
}

/**
 * Which backend each console was on, so that one which reconnects goes back to it, through whichever
 * gateway. A console is known by a keyed hash of its token: neither memcached nor this map has the
 * token itself, and who reads them cannot tell whether a token is among them. Nothing here ever
 * rejects, and without memcached a gateway still knows the consoles that were its own.
 */
export class Pins {
  readonly #nodes: readonly StateNode[];
  readonly #secret: Buffer;
  readonly #ttl: number;
  readonly #waitMs: number;
  readonly #now: () => number;
  readonly #remembered: RecentMap<string, Remembered>;

  constructor(options: PinsOptions) {
    this.#nodes = options.nodes;
    this.#secret = options.secret;
    this.#ttl = options.ttl;
    this.#waitMs = options.waitMs ?? DEFAULT_WAIT_MS;
    this.#remembered = new RecentMap(options.maxRemembered ?? DEFAULT_MAX_REMEMBERED);
    this.#now = options.now ?? (() => performance.now());
  }

  /** Connects, so that the first console need not wait for it. */
  connect(): void {
    const key = this.keyOf('');
    for (const node of this.#nodes) node.fetch([key]).catch(() => {});
  }

  /** The key that stands for a token. */
  keyOf(token: string): string {
    // 128 bits: no two tokens meet.
    const hash = createHmac('sha256', this.#secret).update(token).digest().subarray(0, 16);
    return OWN_KEYS.pin + hash.toString('base64url');
  }

  /** The name of the backend that it was on; undefined where none is known, or not in time. */
  recall(key: string): string | undefined | Promise<string | undefined> {
    const known = this.#remembered.get(key);
    if (known && known.until > this.#now()) return known.name;
    return this.#ask(key);
  }

  /** It is on that backend now. */
  keep(key: string, name: string): void {
    this.#remembered.set(key, { name, until: this.#now() + this.#ttl * 1000 });
    const value = Buffer.from(name, 'latin1');
    // A node that cannot be asked keeps nothing; that is all.
    for (const node of this.#nodesOf(key)) node.set(key, value, this.#ttl).catch(() => {});
  }

  /** The first of its nodes that knows decides: which one was not reached the last time is not known. */
  #ask(key: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        // One more turn of the event loop: what came while this process was busy is read first.
        setImmediate(() => resolve(undefined));
      }, this.#waitMs);
      const asked = this.#nodesOf(key).map(async (node) => {
        const item = (await node.fetch([key])).get(key);
        const name = item?.value.toString('latin1') ?? '';
        if (NAME.test(name)) resolve(name);
      });
      void Promise.allSettled(asked).then(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  }

  #nodesOf(key: string): StateNode[] {
    const count = this.#nodes.length;
    // The hash in the key is as good as any other.
    const first = Buffer.from(key.slice(OWN_KEYS.pin.length), 'base64url').readUInt32BE(0) % count;
    const copies = Math.min(COPIES, count);
    return Array.from({ length: copies }, (_, copy) => this.#nodes[(first + copy) % count]!);
  }
}
