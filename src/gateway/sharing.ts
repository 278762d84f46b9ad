import type { SharedView } from '../admin/state.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { connectStateNodes, type StateNode } from '../memcached/state-node.ts';
import { gatewayName, sealedNodes, sharedSecret } from './identity.ts';
import { SharedControl, type StandingDecisions } from './shared-control.ts';
import type { WatchedService } from './watched-service.ts';

export interface SharingOptions {
  /** The pools, with what is counted by now. */
  readonly pools: () => readonly WatchedService[];
  /** Called when decisions have been applied to the pools. */
  readonly onApplied: () => void;
  /** What was decided on the gateway whose place this one takes. */
  readonly decisions: StandingDecisions | undefined;
  readonly logger: Logger;
}

/** A gateway's part among those that share its memcached nodes, from when it takes part on. */
export class Sharing {
  readonly #options: SharingOptions;
  #config: Config;
  #shared: SharedControl | undefined;
  #nodes: readonly StateNode[] = [];
  #portalPort = 0;

  constructor(config: Config, options: SharingOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** How many gateways there are, this one included. */
  get gateways(): number {
    return this.#shared?.gateways ?? 1;
  }

  /**
   * Begins to tell other gateways what they have to know of this one, and the other way round.
   * @param portalPort Part of the name of this one, unless it is given another.
   */
  start(portalPort: number): void {
    const before = this.#shared;
    before?.stop();
    for (const node of this.#nodes) node.close();
    this.#nodes = connectStateNodes(this.#config.MEMCACHED_SERVERS);
    this.#portalPort = portalPort;
    const { decisions, ...rest } = this.#options;
    const options = {
      ...rest,
      nodes: sealedNodes(this.#config, this.#nodes, this.#tellsOnce()),
      name: gatewayName(this.#config, portalPort),
      secret: sharedSecret(this.#config),
      intervalMs: this.#config.HEARTBEAT_INTERVAL,
    };
    this.#shared = new SharedControl(options, before?.decisions ?? decisions);
    void this.#shared.start();
  }

  /** Goes by another configuration, and has what was decided hold for its pools. */
  reload(config: Config): void {
    const regroups = groupOf(this.#config) !== groupOf(config);
    this.#config = config;
    if (this.#shared && regroups) this.start(this.#portalPort);
    this.#shared?.apply();
  }

  /** Leaves it to a process that goes by the same name now. */
  leave(): void {
    this.#shared?.stop();
    this.#shared = undefined;
  }

  /** Tells other gateways that this one is about to end. */
  async farewell(): Promise<void> {
    await this.#shared?.close();
  }

  /** Tells once of each node that has what another secret, or none, has sealed. */
  #tellsOnce(): (address: string, key: string) => void {
    const told = new Set<string>();
    const remedy =
      'give all gateways the same SHARED_SECRET; where they have it, find out who else writes there';
    return (address, key) => {
      if (told.has(address)) return;
      told.add(address);
      const message = 'what gateways share is ignored where another secret, or none, has sealed it';
      this.#options.logger.error({ node: address, key, remedy }, message);
    };
  }

  /** What is known of other gateways; undefined until this one takes part. */
  view(): SharedView | undefined {
    return this.#shared?.view();
  }

  /** What operators have decided, for the gateway that takes the place of this one. */
  get decisions(): StandingDecisions | undefined {
    return this.#shared?.decisions ?? this.#options.decisions;
  }

  /**
   * What makes decisions.
   * @throws Error before this one takes part.
   */
  get control(): SharedControl {
    if (this.#shared) return this.#shared;
    throw new Error('the gateway has not started yet; decide when it has');
  }

  close(): void {
    this.#shared?.stop();
    for (const node of this.#nodes) node.close();
  }
}

/** What a gateway shares by: where it stays the same, others need not know of a reload. */
function groupOf(config: Config): string {
  const { MEMCACHED_SERVERS, GATEWAY_NAME, HEARTBEAT_INTERVAL } = config;
  const secret = sharedSecret(config).toString('hex');
  return JSON.stringify([MEMCACHED_SERVERS, GATEWAY_NAME, HEARTBEAT_INTERVAL, secret]);
}
