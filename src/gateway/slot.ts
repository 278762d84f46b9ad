import type { WorkerState } from '../admin/state.ts';
import type { Logger } from '../log.ts';
import type { ControlPlane } from './control-plane.ts';
import { describeEnd, type WorkerEnd, type WorkerProcess } from './worker-process.ts';

/** A worker that lived so long, in ms, does not make a series with the one before it. */
const STABLE_MS = 10_000;
const FIRST_PAUSE_MS = 100;
/** What the kernel gives to a place without a worker waits in its queue: not for long. */
const LONGEST_PAUSE_MS = 3_000;
/** Deaths in a row from which on it is no accident. */
const CRASH_LOOP = 4;

export interface SlotOptions {
  readonly kind: WorkerState['kind'];
  readonly index: number;
  readonly control: ControlPlane;
  readonly logger: Logger;
  /** Pings without an answer after which a worker is taken to be stuck. */
  readonly mostMissed: number;
}

const NOBODY = { pid: 0, state: 'waiting', ageSeconds: 0, connections: 0, tunnels: 0 } as const;

/** Makes a worker for a slot. */
export type Spawn = () => WorkerProcess;

/**
 * A place for a worker, with listening sockets that stay whoever is in it. A worker that dies is
 * replaced at once; one after the other that dies soon, after longer and longer pauses.
 */
export class Slot {
  readonly #options: SlotOptions;
  /** How often a worker has died here. */
  #restarts = 0;
  #spawn: Spawn | undefined;
  #worker: WorkerProcess | undefined;
  readonly #draining = new Set<WorkerProcess>();
  /** Deaths in a row, none long after the start. */
  #deaths = 0;
  #pause: NodeJS.Timeout | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** The one that serves, or is to; undefined in a pause. */
  get worker(): WorkerProcess | undefined {
    return this.#worker;
  }

  /** For the admin pages. */
  describe(): WorkerState[] {
    const { kind, index } = this.#options;
    const present = this.#spawn
      ? [this.#worker?.describe() ?? NOBODY].map((state) => ({
          ...state,
          restarts: this.#restarts,
          deaths: state.ageSeconds < STABLE_MS / 1_000 ? this.#deaths : 0,
        }))
      : [];
    const draining = Array.from(this.#draining, (worker) => ({
      ...worker.describe(),
      restarts: 0,
      deaths: 0,
    }));
    return [...present, ...draining].map((state) => ({ kind, slot: index, ...state }));
  }

  /**
   * Puts a worker that is ready in place of the one that is there, which drains; resolves when it
   * accepts. When it dies, others are made by `spawn`.
   */
  async replace(worker: WorkerProcess, spawn: Spawn): Promise<void> {
    const before = this.#worker;
    clearTimeout(this.#pause);
    this.#deaths = 0;
    this.#spawn = spawn;
    this.#worker = worker;
    this.#watch(worker);
    if (before) await this.#retire(before);
    await this.#serve(worker);
  }

  /** Leaves what is there, and has those that come after it made by `spawn`. */
  renew(spawn: Spawn): void {
    if (this.#spawn) this.#spawn = spawn;
  }

  /** Has what is there drain, and puts nothing in its place. */
  async empty(): Promise<void> {
    const before = this.#worker;
    clearTimeout(this.#pause);
    this.#spawn = undefined;
    this.#worker = undefined;
    if (before) await this.#retire(before);
  }

  /** Resolves when all that drains has ended. */
  async drained(): Promise<void> {
    await Promise.all(Array.from(this.#draining, (worker) => worker.end()));
  }

  /** Stops all that is there; resolves when it has ended. */
  async stop(timeoutMs: number): Promise<void> {
    clearTimeout(this.#pause);
    this.#spawn = undefined;
    const workers = [...this.#draining, ...(this.#worker ? [this.#worker] : [])];
    await Promise.all(workers.map((worker) => worker.stop(timeoutMs)));
  }

  async #serve(worker: WorkerProcess): Promise<void> {
    if (worker.ended) return;
    if (worker.kind === 'relay') this.#options.control.join(worker);
    // Where it dies now, `#onEnd` has it replaced.
    await worker.accept().catch(() => worker.kill());
  }

  async #retire(worker: WorkerProcess): Promise<void> {
    if (worker.state !== 'serving') {
      worker.kill();
      return;
    }
    this.#draining.add(worker);
    await worker.drain();
  }

  #watch(worker: WorkerProcess): void {
    const { control } = this.#options;
    worker.on('report', () => control.reported());
    worker.on('counts', (counts) => control.ledger.note(worker, counts));
    worker.on('backendFailed', (service, backend, failure) => {
      control.backendFailed(service, backend, failure);
    });
    worker.on('hits', (hits) => control.hits(hits));
    worker.on('missed', (pings) => this.#onMissed(worker, pings));
    worker.once('end', (end) => this.#onEnd(worker, end));
    if (worker.ended) this.#onEnd(worker, worker.ended);
  }

  #onMissed(worker: WorkerProcess, pings: number): void {
    if (pings !== this.#options.mostMissed) return;
    const remedy = 'report what it was doing; it is killed, and what it served is lost';
    this.#options.logger.error({ worker: worker.pid, remedy }, 'a worker is stuck');
    worker.kill();
  }

  #onEnd(worker: WorkerProcess, end: WorkerEnd): void {
    const { control, logger } = this.#options;
    control.leave(worker);
    control.ledger.close(worker);
    const fields = { worker: worker.pid, kind: worker.kind, detail: describeEnd(end) };
    if (this.#draining.delete(worker)) {
      if (end.code !== 0) logger.error(fields, 'a worker died while it was drained');
      return;
    }
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (!this.#spawn) return;
    this.#restarts += 1;
    this.#deaths = worker.ageMs < STABLE_MS ? this.#deaths + 1 : 1;
    const pauseMs = pauseAfter(this.#deaths);
    logger.error({ ...fields, pauseMs }, 'a worker died; another one takes its place');
    if (this.#deaths >= CRASH_LOOP) {
      const remedy = 'look for what they said on standard error; another version may help';
      logger.error({ deaths: this.#deaths, pauseMs, remedy }, 'workers die again and again');
    }
    this.#pause = setTimeout(() => void this.#restart(), pauseMs);
  }

  async #restart(): Promise<void> {
    if (!this.#spawn) return;
    const worker = this.#spawn();
    this.#worker = worker;
    this.#watch(worker);
    try {
      await worker.ready();
    } catch {
      // It has ended, or is ended here; `#onEnd` goes on.
      worker.kill();
      return;
    }
    if (this.#worker === worker) await this.#serve(worker);
  }
}

/** The first death may be anything: nobody is to wait for its sake. */
export function pauseAfter(deaths: number): number {
  if (deaths <= 1) return 0;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 2));
}
