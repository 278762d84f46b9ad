import type {
  CacheNode,
  CasOutcome,
  DocumentNode,
  LivingItem,
  NodeItem,
} from '../../src/cache/cache-node.ts';
import type { StorageVerb } from '../../src/cache/cache-store.ts';
import { UnavailableError } from '../../src/memcached/client.ts';
import type { World } from './cache-world.ts';

interface Stored {
  readonly value: Buffer;
  readonly flags: number;
  readonly cas: bigint;
  readonly expires: number;
}

/** A memcached node that can be paused, and restarted without its items. */
export class SimulatedNode {
  readonly address: string;
  readonly items = new Map<string, Stored>();
  isDown = false;
  incarnation = 0;
  readonly #world: World;
  #versions: bigint;
  #paused = false;
  #backlog: (() => void)[] = [];

  constructor(address: string, world: World) {
    this.address = address;
    this.#world = world;
    this.#versions = BigInt(Math.floor(world.between(1, 1e6)));
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** A request that has reached the node. What waits while it stands still is then done in any order. */
  receive(run: () => void): void {
    if (this.#paused) this.#backlog.push(run);
    else run();
  }

  pause(): void {
    this.#paused = true;
  }

  /** Goes on; within `spreadMs` it has done what waited. */
  resume(spreadMs: number): void {
    this.#paused = false;
    for (const run of this.#backlog.splice(0)) {
      this.#world.after(this.#world.between(0, spreadMs), () => this.receive(run));
    }
  }

  stop(): void {
    this.isDown = true;
    this.#paused = false;
    this.#backlog = [];
    this.incarnation++;
  }

  restartEmpty(): void {
    this.items.clear();
    this.#versions = BigInt(Math.floor(this.#world.between(1, 1e6)));
    this.isDown = false;
  }

  get(key: string): Stored | undefined {
    const item = this.items.get(key);
    if (item === undefined || item.expires > this.#world.now) return item;
    this.items.delete(key);
    return undefined;
  }

  put(key: string, value: Buffer, flags: number, exptime: number): void {
    const expires =
      exptime === 0 ? Number.POSITIVE_INFINITY : this.#world.now + Math.max(0, exptime * 1000);
    this.items.set(key, { value, flags, cas: ++this.#versions, expires });
    if (exptime < 0) this.items.delete(key);
  }

  store(verb: StorageVerb, key: string, value: Buffer, flags: number, exptime: number): boolean {
    const present = this.get(key);
    if (verb === 'add' ? present !== undefined : verb !== 'set' && present === undefined) {
      return false;
    }
    if (verb === 'append') this.put(key, Buffer.concat([present!.value, value]), present!.flags, 0);
    else if (verb === 'prepend') {
      this.put(key, Buffer.concat([value, present!.value]), present!.flags, 0);
    } else this.put(key, value, flags, exptime);
    return true;
  }

  cas(key: string, value: Buffer, version: bigint, flags: number, exptime: number): CasOutcome {
    const item = this.get(key);
    if (item === undefined) return 'NOT_FOUND';
    if (item.cas !== version) return 'EXISTS';
    this.put(key, value, flags, exptime);
    return 'STORED';
  }

  count(verb: 'incr' | 'decr', key: string, by: bigint): bigint | undefined {
    const item = this.get(key);
    if (item === undefined) return undefined;
    const value = BigInt(item.value.toString()) + (verb === 'incr' ? by : -by);
    this.put(key, Buffer.from(String(value)), item.flags, 0);
    return value;
  }
}

/** The way from one gateway to one node. */
export class Link {
  /** Messages that are lost, each way. */
  requestsCut = false;
  answersCut = false;
  /** The longest a message takes, in ms. */
  latencyMs = 2;
  /** How many of all messages are lost. */
  loss = 0;
  /** How many of all messages take their time. */
  dawdle = 0;
  /** How often the gateway's process stands still between deciding to send and sending. */
  stumble = 0;

  readonly world: World;
  readonly gateway: number;
  readonly node: SimulatedNode;

  constructor(world: World, gateway: number, node: SimulatedNode) {
    this.world = world;
    this.gateway = gateway;
    this.node = node;
  }

  /**
   * Sends a request and waits for the answer. A request that is given up on after `deadlineMs` may
   * still be carried out, when the node goes on or the message arrives.
   */
  call<T>(deadlineMs: number, execute: (node: SimulatedNode) => T): Promise<T> {
    const { world, gateway, node } = this;
    const { incarnation } = node;
    let wait = 0;
    if (this.stumble > 0 && world.chance(this.stumble)) {
      wait = world.between(50, 1500);
      world.pauseGateway(gateway, wait);
    }
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(new UnavailableError(node.address, reason));
      let arrived = Number.POSITIVE_INFINITY;
      const giveUp = () => {
        if (arrived > world.now) fail(`no answer within ${deadlineMs} ms`);
      };
      const callOff = world.after(deadlineMs, giveUp, gateway);
      const answer = (handle: () => void) => {
        if (this.answersCut || world.chance(this.loss)) return;
        const delay = this.#delay();
        // Until then it is at the gateway, whether or not the gateway goes on.
        arrived = world.now + delay;
        world.after(
          delay,
          () => {
            callOff();
            handle();
          },
          gateway,
        );
      };
      world.after(wait + this.#delay(), () => {
        if (this.requestsCut || world.chance(this.loss)) return;
        if (node.isDown || node.incarnation !== incarnation) return answer(() => fail('refused'));
        node.receive(() => {
          const result = execute(node);
          answer(() => resolve(result));
        });
      });
    });
  }

  #delay(): number {
    const { world } = this;
    const longest = this.dawdle > 0 && world.chance(this.dawdle) ? 40 : this.latencyMs;
    return world.between(0.1, Math.max(longest, this.latencyMs));
  }
}

export interface SimulatedDeadlines {
  readonly requestMs: number;
  readonly controlMs: number;
}

/** A node as one gateway reaches it. */
export function simulatedCacheNode(link: Link, deadlines: SimulatedDeadlines): CacheNode {
  const call = <T>(execute: (node: SimulatedNode) => T) => link.call(deadlines.requestMs, execute);
  const document = (deadlineMs: number): DocumentNode => ({
    fetch: (key) => link.call(deadlineMs, (node) => node.get(key) as NodeItem | undefined),
    store: (verb, key, value, flags, exptime) =>
      link.call(deadlineMs, (node) => node.store(verb, key, value, flags, exptime)),
    cas: (key, value, version, flags, exptime) =>
      link.call(deadlineMs, (node) => node.cas(key, value, version, flags, exptime)),
  });
  return {
    ...document(deadlines.requestMs),
    address: link.node.address,
    isSilent: false,
    control: document(deadlines.controlMs),
    fetchMany: (keys) =>
      call((node) => {
        const found = keys.map((key): [string, Stored | undefined] => [key, node.get(key)]);
        return new Map(found.filter((row): row is [string, Stored] => row[1] !== undefined));
      }),
    delete: (key) => call((node) => node.get(key) !== undefined && node.items.delete(key)),
    touch: (key) => call((node) => node.get(key) !== undefined),
    count: (verb, key, by) => call((node) => node.count(verb, key, by)),
    meta: () => Promise.reject(new Error('not simulated')),
    flush: () => call((node) => node.items.clear()),
    inspect: (key) =>
      call((node): LivingItem | undefined => {
        const item = node.get(key);
        if (item === undefined) return undefined;
        const left = Number.isFinite(item.expires)
          ? Math.ceil((item.expires - link.world.now) / 1000)
          : -1;
        return { ...item, ttl: left };
      }),
    async *keys() {
      yield await call((node) => [...node.items.keys()].filter((key) => node.get(key)));
    },
    close() {},
    facts: () => call((node) => ({ version: '1.6', pid: 1, uptime: 1, items: node.items.size })),
  };
}
