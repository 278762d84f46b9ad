import type { NodeOptions } from '../cache/session-cache.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { CacheService } from './cache.ts';
import { CountsReporter } from './counts-reporter.ts';
import type { Mailbox } from './mailbox.ts';
import { listenOn } from './relay-worker.ts';
import type { CacheTask, FromWorker } from './worker-messages.ts';

/** How often what is known of the nodes is told, in ms. */
const HEALTH_MS = 500;

/**
 * The session cache in a process of its own: one for a gateway, as each member polls the nodes and has
 * a lease on their shared view, and apart from the relays, which a reload replaces and this does not.
 */
export class CacheWorker {
  readonly #task: CacheTask;
  readonly #service: CacheService;
  readonly #supervisor: Mailbox<FromWorker>;
  readonly #counts: CountsReporter;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: Config, task: CacheTask, supervisor: Mailbox<FromWorker>, logger: Logger) {
    this.#task = task;
    this.#supervisor = supervisor;
    this.#service = new CacheService(config, logger.child({ service: 'cache' }));
    this.#counts = new CountsReporter(config, 'cache', supervisor, () => this.#service.counts());
  }

  async accept(): Promise<void> {
    void this.#service.start();
    for (const { fd } of this.#task.sockets) await listenOn(this.#service.server, fd);
    this.#timer = setInterval(() => this.#tellHealth(), HEALTH_MS).unref();
  }

  moveTo(nodes: NodeOptions): void {
    this.#service.moveTo(nodes);
  }

  /** Another one takes over: clients may go on until they hang up. */
  async drain(): Promise<void> {
    const closed = this.#service.drain();
    this.#supervisor.send({ type: 'draining' });
    await closed;
    this.#end();
  }

  async stop(): Promise<void> {
    await this.#service.close();
    this.#end();
  }

  report(): void {
    this.#counts.now();
    this.#tellHealth();
  }

  #tellHealth(): void {
    this.#supervisor.sendLatest('cache', { type: 'cache', health: this.#service.health() });
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#counts.stop();
  }
}
