import type { WorkerState } from '../admin/state.ts';
import type { CacheHealth } from '../cache/cache-health.ts';
import type { Config, Environment } from '../config.ts';
import { type BoundListeners, portalPortOf } from './bound-listeners.ts';
import { nodesOf } from './cache.ts';
import type { Fleet, FleetOptions } from './fleet.ts';
import {
  ACCEPTED_PER_TURN,
  dataListeners,
  isDataListener,
  type ListenerName,
} from './listeners.ts';
import { Slot, type Spawn } from './slot.ts';
import { workersOf } from './worker-count.ts';
import type { Task } from './worker-messages.ts';
import { FIRST_SOCKET_FD, WorkerProcess, type WorkerTiming } from './worker-process.ts';

export interface SupervisorTiming extends WorkerTiming {
  /** Pings without an answer after which a worker is taken to be stuck, and killed. */
  readonly mostMissed: number;
}

export const DEFAULT_TIMING: SupervisorTiming = { answerMs: 30_000, pingMs: 1_000, mostMissed: 10 };

export interface SupervisorOptions extends FleetOptions {
  readonly timing: SupervisorTiming;
  /** What workers find in their environment; where undefined, all that this process has in its own. */
  readonly workerEnv: Environment | undefined;
}

/** How much longer than SHUTDOWN_TIMEOUT a worker may take to end before it is killed, in ms. */
const STOP_MARGIN_MS = 5_000;

/** Serves clients from processes of their own, and the dashboards' cache from another one. */
export class Supervisor implements Fleet {
  readonly #options: SupervisorOptions;
  readonly #relays: Slot[] = [];
  readonly #cache: Slot;
  /** What the cache that serves was started with. */
  #cacheTold: string | undefined;
  #config: Config | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#cache = this.#slot('cache', 0);
  }

  async deploy(config: Config, listeners: BoundListeners): Promise<void> {
    const spawns = Array.from({ length: workersOf(config) }, (_, index) =>
      this.#relaySpawn(config, listeners, index),
    );
    const cacheTold = listeners.has('cache') ? toldToCache(config) : undefined;
    const replacesCache = cacheTold !== undefined && cacheTold !== this.#cacheTold;
    const cacheSpawn = replacesCache ? this.#cacheSpawn(config, listeners) : undefined;
    const workers = await this.#makeReady(cacheSpawn ? [...spawns, cacheSpawn] : spawns);
    // From here on nothing fails: a worker that dies is replaced.
    this.#config = config;
    if (cacheSpawn) await this.#cache.replace(workers.pop()!, cacheSpawn);
    else if (cacheTold === undefined) await this.#cache.empty();
    else this.#moveCache(config, listeners);
    this.#cacheTold = cacheTold;
    for (const [index, spawn] of spawns.entries()) {
      this.#relays[index] ??= this.#slot('relay', index);
      await this.#relays[index].replace(workers[index]!, spawn);
    }
    for (const slot of this.#relays.slice(spawns.length)) await slot.empty();
  }

  async open(
    config: Config,
    listeners: BoundListeners,
    names: readonly ListenerName[],
  ): Promise<void> {
    if (names.includes('cache')) {
      const spawn = this.#cacheSpawn(config, listeners);
      const [worker] = await this.#makeReady([spawn]);
      await this.#cache.replace(worker!, spawn);
      this.#cacheTold = toldToCache(config);
    }
    for (const [index, slot] of this.#relays.entries()) {
      // For those that come after the one that is there, which is given the sockets alone.
      slot.renew(this.#relaySpawn(config, listeners, index));
      for (const name of names.filter(isDataListener)) {
        const socket = listeners.get(name)!.sockets[index]!;
        for (let i = 0; i < ACCEPTED_PER_TURN; i += 1) slot.worker?.open(name, socket);
      }
    }
  }

  async drain(): Promise<void> {
    const slots = [...this.#relays, this.#cache];
    await Promise.all(slots.map((slot) => slot.empty()));
    await Promise.all(slots.map((slot) => slot.drained()));
  }

  async close(): Promise<void> {
    const timeoutMs = (this.#config?.SHUTDOWN_TIMEOUT ?? 0) + STOP_MARGIN_MS;
    await Promise.all(this.#relays.map((slot) => slot.stop(timeoutMs)));
    // The dashboards' answers may have needed it.
    await this.#cache.stop(timeoutMs);
  }

  workers(): readonly WorkerState[] {
    return [...this.#relays, this.#cache].flatMap((slot) => slot.describe());
  }

  cacheHealth(): CacheHealth | undefined {
    return this.#cache.worker?.cacheHealth;
  }

  /** Another cache could not find what is on nodes that it was never told of: this one moves it. */
  #moveCache(config: Config, listeners: BoundListeners): void {
    this.#cache.renew(this.#cacheSpawn(config, listeners));
    this.#cache.worker?.moveTo(nodesOf(config));
  }

  /** @throws Error, with what it said, where one of them ends before; none is left then. */
  async #makeReady(spawns: readonly Spawn[]): Promise<WorkerProcess[]> {
    const workers = spawns.map((spawn) => spawn());
    try {
      await Promise.all(workers.map((worker) => worker.ready()));
      return workers;
    } catch (error) {
      for (const worker of workers) worker.kill();
      throw error;
    }
  }

  #slot(kind: WorkerState['kind'], index: number): Slot {
    const { control, logger, timing } = this.#options;
    return new Slot({ kind, index, control, logger, mostMissed: timing.mostMissed });
  }

  #relaySpawn(config: Config, listeners: BoundListeners, index: number): Spawn {
    const bound = dataListeners(config)
      .filter(({ name }) => listeners.has(name))
      .map(({ name }) => ({ name, ...listeners.get(name)! }))
      .flatMap((listener) => Array<typeof listener>(ACCEPTED_PER_TURN).fill(listener));
    const share = { index, of: workersOf(config) };
    const task: Task = {
      kind: 'relay',
      share,
      ticketSecret: this.#options.ticketSecret.toString('base64'),
      portalPort: portalPortOf(config, listeners),
      cachePort: listeners.get('cache')?.address.port,
      sockets: bound.map(({ name }, i) => ({ name, fd: FIRST_SOCKET_FD + i })),
    };
    const fds = () => bound.map(({ sockets }) => sockets[index]!.fd);
    return () => this.#spawn(config, task, fds());
  }

  #cacheSpawn(config: Config, listeners: BoundListeners): Spawn {
    const task: Task = { kind: 'cache', sockets: [{ name: 'cache', fd: FIRST_SOCKET_FD }] };
    const { sockets } = listeners.get('cache')!;
    return () => this.#spawn(config, task, [sockets[0]!.fd]);
  }

  #spawn({ source }: Config, task: Task, fds: readonly number[]): WorkerProcess {
    const { timing, workerEnv: env } = this.#options;
    return new WorkerProcess({ source, task, fds, timing, env });
  }
}

/** What a cache goes by: where it stays the same, the cache is left alone, or moved to other nodes. */
function toldToCache({ CACHE_LISTEN, CACHE_TLS, source }: Config): string | undefined {
  if (!CACHE_LISTEN) return undefined;
  const { settings, files } = source;
  const told = Object.entries(settings).filter(([name]) =>
    /^(CACHE_|DJANGO_|LOG_LEVEL)/.test(name),
  );
  return JSON.stringify([told.sort(), CACHE_TLS ? files : undefined]);
}
