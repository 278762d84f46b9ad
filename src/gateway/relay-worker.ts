import type { SendHandle } from 'node:child_process';
import type { Server } from 'node:net';
import type { Config } from '../config.ts';
import { BoundSocket } from '../listener/bound-socket.ts';
import type { Logger } from '../log.ts';
import { CountsReporter } from './counts-reporter.ts';
import { DataPlane } from './data-plane.ts';
import type { DataListener } from './listeners.ts';
import type { Mailbox } from './mailbox.ts';
import type { DataReport, Snapshot, Totals } from './messages.ts';
import { Reporter } from './reporter.ts';
import type { FromWorker, RelayTask } from './worker-messages.ts';

/** A data plane in a process of its own. */
export class RelayWorker {
  readonly #plane: DataPlane;
  readonly #supervisor: Mailbox<FromWorker>;
  /** What has its servers listen. */
  readonly #bindings: (() => Promise<void>)[];
  #accepting = false;
  readonly #reporter: Reporter<DataReport>;
  readonly #counts: CountsReporter;

  constructor(config: Config, task: RelayTask, supervisor: Mailbox<FromWorker>, logger: Logger) {
    this.#supervisor = supervisor;
    this.#plane = new DataPlane(config, {
      ticketSecret: Buffer.from(task.ticketSecret, 'base64'),
      share: task.share,
      uplink: {
        backendFailed: (service, backend, failure) => {
          const message = { type: 'backendFailed', service, backend, failure } as const;
          supervisor.sendLatest(`${service} ${backend} ${failure.outcome}`, message);
        },
        hits: (hits) => supervisor.send({ type: 'hits', hits }),
      },
      onLimit: () => this.#reporter.soon(),
      portalPort: task.portalPort,
      cachePort: task.cachePort,
      logger,
    });
    this.#bindings = task.sockets.map(({ name, fd }) => {
      const server = this.#plane.serverFor(name);
      return () => listenOn(server, fd);
    });
    this.#counts = new CountsReporter(config, 'relay', supervisor, () => this.#plane.counts());
    this.#reporter = new Reporter(
      () => this.#plane.report(),
      (report) => supervisor.sendLatest('report', { type: 'report', report }),
    );
  }

  apply(snapshot: Snapshot): void {
    this.#plane.apply(snapshot);
    // What this one has no longer may be given to another one only now.
    this.#reporter.soon();
  }

  tellTunnels(most: number): void {
    this.#supervisor.send({ type: 'tunnels', tunnels: this.#plane.openTunnels(most) });
  }

  endTunnel(id: string): void {
    this.#supervisor.send({ type: 'tunnelEnded', id, found: this.#plane.endTunnel(id) });
  }

  learn(totals: Totals): void {
    this.#plane.learn(totals);
  }

  async accept(): Promise<void> {
    this.#accepting = true;
    await Promise.all(this.#bindings.map((bind) => bind()));
  }

  /** Accepts behind one more listener, now or when it accepts at all. */
  async open(name: DataListener, handle: SendHandle): Promise<void> {
    const server = this.#plane.serverFor(name);
    const bind = () => new BoundSocket(handle).listen(server);
    if (this.#accepting) await bind();
    else this.#bindings.push(bind);
  }

  /** Takes no more connections; resolves when the last one is gone. */
  async drain(): Promise<void> {
    const drained = this.#plane.drain();
    // Behind the report that its limits are lower: who drains is granted nothing any more.
    void this.report().then(() => this.#supervisor.send({ type: 'draining' }));
    await drained;
    await this.#end();
  }

  async stop(): Promise<void> {
    await this.#plane.close();
    await this.#end();
  }

  /** Tells what it does, whether or not that has changed; resolves when it is told. */
  report(): Promise<void> {
    // Before the report, for which who asked waits.
    this.#counts.now();
    const message = { type: 'report', report: this.#plane.report() } as const;
    return new Promise((resolve) => this.#supervisor.sendLatest('report', message, resolve));
  }

  #end(): Promise<void> {
    this.#reporter.stop();
    this.#counts.stop();
    return this.report();
  }
}

/** Has a server accept from a socket that this process was started with. */
export function listenOn(server: Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
