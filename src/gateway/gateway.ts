import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Config, Environment } from '../config.ts';
import { warningsOf } from '../listener/key-pairs.ts';
import { TICKET_SECRET_BYTES } from '../listener/ticket-keys.ts';
import { TlsContexts } from '../listener/tls-contexts.ts';
import type { Logger } from '../log.ts';
import { AddressWatch } from './address-watch.ts';
import { AdminServer } from './admin-server.ts';
import {
  type BoundListeners,
  bindListeners,
  closeUnused,
  portalPortOf,
} from './bound-listeners.ts';
import { ControlPlane } from './control-plane.ts';
import type { Fleet } from './fleet.ts';
import { type ListenerName, listenersOf } from './listeners.ts';
import { OneProcess } from './one-process.ts';
import type { Predecessor } from './predecessor.ts';
import { Successor, type SuccessorCommand } from './successor.ts';
import { DEFAULT_TIMING, Supervisor, type SupervisorTiming } from './supervisor.ts';
import { workersOf } from './worker-count.ts';

/** A running gateway. */
export interface Gateway {
  /** Where it listens; what is off, or waits for its address, is left out. */
  readonly addresses: Readonly<Partial<Record<ListenerName, AddressInfo>>>;
  /** Resolves when every backend has been checked once. */
  readonly checked: Promise<void>;
  /** Whether there is a process that serves clients. */
  readonly isServing: () => boolean;
  /** Whether every service has a backend that is up and takes work, as /readyz has it. */
  readonly isReady: () => boolean;
  /** Operators' decisions, and what is known of other gateways. */
  readonly control: Pick<ControlPlane, 'decide' | 'follow' | 'shared'>;
  /**
   * Serves by another configuration from now on. New connections get it; those that are open finish
   * the request that is under way, or one more, and websockets go on for `DRAIN_TIMEOUT`.
   * @throws Error, where it cannot be served by, for instance ListenError; nothing has changed then.
   */
  reload(config: Config): Promise<void>;
  /**
   * Has another process take its place, for which it is started: it gets the listening sockets, and when
   * it serves, this one takes no more connections. Resolves then; `drained` follows.
   * @throws Error where the other one cannot serve; nothing has changed then.
   */
  handOver(command: SuccessorCommand): Promise<void>;
  /** Resolves when nothing is left open after `handOver`. */
  readonly drained: Promise<void>;
  /**
   * Stops: no new connections, `SHUTDOWN_TIMEOUT` for open requests to finish, websockets end.
   * Resolves when nothing is left open.
   */
  close(): Promise<void>;
}

export interface GatewayOptions {
  readonly logger: Logger;
  /** How workers are watched. */
  readonly timing?: Partial<SupervisorTiming>;
  /** What workers find in their environment; where undefined, all that this process has in its own. */
  readonly workerEnv?: Environment | undefined;
  /** The gateway whose place this one takes, with its listening sockets. */
  readonly predecessor?: Predecessor | undefined;
  /** Reads the configuration anew, for a reload that is asked for at the admin listener. */
  readonly reread?: (() => Config) | undefined;
}

/**
 * Starts a gateway: both services, the redirector, the session cache and the admin listener, from
 * one configuration.
 * @throws ListenError where an address of this host cannot be bound; nothing is left running then.
 */
export async function startGateway(config: Config, options: GatewayOptions): Promise<Gateway> {
  const gateway = new RunningGateway(config, options);
  await gateway.start();
  return gateway;
}

class RunningGateway implements Gateway {
  checked: Promise<void> = Promise.resolve();
  drained: Promise<void> = Promise.resolve();
  readonly #logger: Logger;
  readonly #ticketSecret: Buffer;
  readonly control: ControlPlane;
  readonly #fleet: Fleet;
  readonly #admin: AdminServer;
  readonly #addresses: AddressWatch;
  #config: Config;
  #listeners: BoundListeners = new Map();
  #successor: Successor | undefined;
  #closed: Promise<void> | undefined;
  /** What changes come one after the other. */
  #reloading: Promise<void> = Promise.resolve();

  constructor(config: Config, options: GatewayOptions) {
    const { logger, timing, workerEnv, predecessor, reread } = options;
    this.#config = config;
    this.#logger = logger;
    this.control = new ControlPlane(config, {
      logger,
      workers: () => this.#fleet.workers(),
      cache: () =>
        this.#config.CACHE_LISTEN ? { health: () => this.#fleet.cacheHealth() } : undefined,
      decisions: predecessor?.decisions,
      cachePort: () => this.#listeners.get('cache')?.address.port,
      reload: async () => {
        if (!reread) throw new Error('this gateway was not started from a configuration on disk');
        await this.reload(reread());
      },
      listeners: () => [
        ...Array.from(this.#listeners, ([name, { address: bound }]) => {
          const { address, port } = bound;
          return { name, address, port, waiting: false };
        }),
        ...this.#addresses.awaited.map(({ name, address: { host, port } }) => {
          return { name, address: host, port, waiting: true };
        }),
      ],
    });
    this.#addresses = new AddressWatch({ look: () => this.#look(), logger });
    this.#ticketSecret = predecessor?.ticketSecret ?? randomBytes(TICKET_SECRET_BYTES);
    if (predecessor) this.#listeners = predecessor.listeners;
    const fleet = { control: this.control, ticketSecret: this.#ticketSecret, logger };
    this.#fleet =
      workersOf(config) === 0
        ? new OneProcess(fleet)
        : new Supervisor({ ...fleet, workerEnv, timing: { ...DEFAULT_TIMING, ...timing } });
    this.#admin = new AdminServer(this.control);
    predecessor?.joins(this.control);
  }

  get addresses(): Partial<Record<ListenerName, AddressInfo>> {
    return Object.fromEntries(
      Array.from(this.#listeners, ([name, { address }]) => [name, address]),
    );
  }

  readonly isServing = (): boolean => {
    const relays = this.#fleet.workers().filter(({ kind }) => kind === 'relay');
    return relays.length === 0 || relays.some(({ state }) => state === 'serving');
  };

  readonly isReady = (): boolean => this.control.isReady();

  async start(): Promise<void> {
    warnOfCertificates(this.#config, this.#logger);
    this.checked = this.control.start();
    try {
      await this.#serve(this.#config);
      this.control.share(portalPortOf(this.#config, this.#listeners));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async reload(config: Config): Promise<void> {
    const done = await this.#inTurn(async () => {
      assertSameKind(this.#config, config);
      warnOfCertificates(config, this.#logger);
      await this.#serve(config);
      this.#config = config;
      this.checked = this.control.reload(config);
    });
    if (!done) throw new Error('the gateway is ending, and goes by the configuration that it has');
  }

  async handOver(command: SuccessorCommand): Promise<void> {
    await this.#inTurn(() => this.#handOver(command));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Changes one thing after the other, and nothing any more when it ends; whether it did. */
  #inTurn(change: () => Promise<void>): Promise<boolean> {
    const changing = this.#reloading.then(async () => {
      if (this.#closed || this.#successor) return false;
      await change();
      return true;
    });
    this.#reloading = changing.then(
      () => {},
      () => {},
    );
    return changing;
  }

  /** Binds what is not bound yet, and has it served; then lets go what is not needed any more. */
  async #serve(config: Config): Promise<void> {
    await this.#bind(config, async (listeners) => {
      await this.#fleet.deploy(config, listeners);
      await this.#admin.listen(listeners.get('admin'), adminTls(config));
    });
  }

  /** Has those listeners served whose address has come. */
  async #look(): Promise<void> {
    await this.#inTurn(() =>
      this.#bind(this.#config, async (listeners) => {
        const names = Array.from(listeners.keys()).filter((name) => !this.#listeners.has(name));
        if (names.length === 0) return;
        await this.#fleet.open(this.#config, listeners, names);
        if (names.includes('admin')) {
          await this.#admin.listen(listeners.get('admin'), adminTls(this.#config));
        }
      }),
    );
  }

  async #bind(config: Config, serve: (listeners: BoundListeners) => Promise<void>): Promise<void> {
    const before = this.#listeners;
    const { listeners, awaited } = await bindListeners(
      listenersOf(config, Math.max(1, workersOf(config))),
      before,
    );
    try {
      await serve(listeners);
    } catch (error) {
      closeUnused(listeners, before);
      throw error;
    }
    this.#listeners = listeners;
    this.#addresses.wait(awaited);
    closeUnused(before, listeners);
    for (const [listener, { address }] of listeners) {
      if (before.get(listener)?.address !== address) {
        this.#logger.info({ listener, ...address }, 'listening');
      }
    }
  }

  async #handOver(command: SuccessorCommand): Promise<void> {
    const successor = new Successor(command);
    const { pid } = successor;
    this.#logger.info({ successor: pid }, 'another process is to take the place of this one');
    const listeners = this.#listeners;
    await successor.serve({
      ticketSecret: this.#ticketSecret,
      listeners,
      report: this.control.report(),
      counts: this.control.ledger.counts(),
      decisions: this.control.decisions,
    });
    this.#successor = successor;
    this.#addresses.stop();
    this.#logger.info({ successor: pid }, 'it serves; this process ends when its clients have');
    this.control.unshare();
    this.control.onPublished = () =>
      successor.tell(this.control.report(), this.control.ledger.counts());
    void this.#admin.close(this.#config.SHUTDOWN_TIMEOUT);
    this.drained = this.#fleet.drain();
    closeUnused(listeners, new Map());
  }

  async #close(): Promise<void> {
    this.#addresses.stop();
    this.control.stop();
    await Promise.all([this.#fleet.close(), this.control.farewell()]);
    closeUnused(this.#listeners, new Map());
    // Last, so that whoever watches can see the gateway stop.
    await this.#admin.close(this.#config.SHUTDOWN_TIMEOUT);
    this.control.close();
    this.#successor?.release();
  }
}

/** What the admin listener secures connections by; undefined where it is plain. */
function adminTls({ adminKeyPair }: Config): SecureContextOptions | undefined {
  return adminKeyPair && new TlsContexts([adminKeyPair]).optionsFor();
}

/** One process does not become several without a gap. */
function assertSameKind(before: Config, after: Config): void {
  if (workersOf(before) === 0 ? workersOf(after) === 0 : workersOf(after) > 0) return;
  throw new Error('WORKERS changes from or to 0, which takes a restart of the gateway');
}

/**
 * Tells what is wrong with certificates, but not so wrong that they could not be used.
 * @throws Error where one cannot be used.
 */
function warnOfCertificates({ keyPairs, adminKeyPair }: Config, logger: Logger): void {
  const contexts = new TlsContexts(keyPairs);
  const ownAdminPair = adminKeyPair && !keyPairs.includes(adminKeyPair) ? [adminKeyPair] : [];
  for (const pair of ownAdminPair) new TlsContexts([pair]);
  for (const pair of [...contexts.pairs, ...ownAdminPair]) {
    for (const warning of warningsOf(pair, Date.now())) {
      logger.warn({ certificate: pair.certPath, names: pair.names }, warning);
    }
    if (pair.exposure) logger.warn({ key: pair.keyPath }, `the private key ${pair.exposure}`);
  }
  for (const { certPath, names } of contexts.unused) {
    logger.warn(
      { certificate: certPath, names },
      'the certificate serves no name: one before it has the same',
    );
  }
}
