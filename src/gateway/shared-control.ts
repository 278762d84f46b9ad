import { createHmac, randomUUID } from 'node:crypto';
import type { SharedView } from '../admin/state.ts';
import type { Logger } from '../log.ts';
import {
  type Decision,
  type Decisions,
  isWeight,
  MAX_WEIGHT,
  subjectOf,
} from '../memcached/decisions.ts';
import type { ServiceBeat } from '../memcached/heartbeat.ts';
import type { Peer } from '../memcached/peers.ts';
import { SharedState } from '../memcached/shared-state.ts';
import type { StateNode } from '../memcached/state-node.ts';
import type { Backend } from '../upstream/backend.ts';
import type { Pool } from '../upstream/pool.ts';
import { limitOf } from '../upstream/shared-load.ts';

/** For whom a decision is: all gateways, or this one alone, where it stands before the others'. */
export type DecisionScope = 'cluster' | 'gateway';

/** A pool in so far as gateways look after it together. */
export interface SharedPool extends Pick<Pool, 'service' | 'backends'> {
  /**
   * Whether `maxconn` is for all gateways together: where leases are tunnels, which gateways tell
   * each other of. Exchanges are over before anybody could know.
   */
  readonly sharesRoom: boolean;
}

export interface SharedControlOptions {
  /** The pools as they are now. */
  readonly pools: () => readonly SharedPool[];
  /** Called when what others do, or an operator wants, has been set in the backends. */
  readonly onApplied: () => void;
  readonly nodes: readonly StateNode[];
  readonly name: string;
  /** What all gateways share and nobody else knows. */
  readonly secret: Buffer;
  readonly intervalMs: number;
  readonly logger: Logger;
}

/** What operators have decided: for all gateways, and for this one alone. */
export interface StandingDecisions {
  readonly cluster: Decisions;
  readonly local: ReadonlyMap<string, Decision>;
}

const READY: Decision = { state: 'ready', weight: null };

/**
 * What one gateway knows of the others, and what all of them are to do: counts the tunnels of all
 * into the balancing of each, and has operators' decisions obeyed by all. It works beside the
 * traffic: what it finds out it sets in the backends, and it only reads their counts.
 */
export class SharedControl {
  readonly #options: SharedControlOptions;
  readonly #state: SharedState;
  readonly #fingerprint: string;
  /** Decisions for this gateway alone. */
  readonly #local: Map<string, Decision>;
  readonly #strangers = new Set<string>();
  /** How many gateways there are, this one included. */
  gateways = 1;

  /** @param before Decisions that are known from the start. */
  constructor(options: SharedControlOptions, before?: StandingDecisions) {
    const { nodes, name, secret, intervalMs, logger } = options;
    this.#options = options;
    this.#local = new Map(before?.local);
    this.#fingerprint = createHmac('sha256', secret).update('same').digest('hex').slice(0, 8);
    this.#state = new SharedState({
      nodes,
      name,
      intervalMs,
      instance: randomUUID(),
      secret: this.#fingerprint,
      decisions: before?.cluster,
      report: () => options.pools().map(beatOf),
      onBeat: () => this.apply(),
      onNamesake: () => {
        const remedy = 'give each gateway a GATEWAY_NAME of its own';
        logger.error({ gateway: name, remedy }, 'another gateway goes by the same name');
      },
    });
  }

  /** What is decided by now. */
  get decisions(): StandingDecisions {
    return { cluster: this.#state.decisions, local: this.#local };
  }

  /** Begins to talk with the other gateways; resolves after the first time. */
  start(): Promise<void> {
    return this.#state.start();
  }

  /** Is heard of no more, and hears of nothing. */
  stop(): void {
    this.#state.stop();
  }

  /** Says good-bye to them. */
  close(): Promise<void> {
    return this.#state.close();
  }

  /**
   * Has a backend take work, take no new work or be left alone, and gives it a weight, null for the
   * configured one. A decision for the cluster takes back the one for this gateway alone.
   * @throws RangeError where there is no such backend, or the weight is none.
   */
  decide(
    service: string,
    backend: string,
    { state, weight }: Decision,
    scope: DecisionScope = 'cluster',
  ): void {
    this.#assertKnown(service, backend);
    if (weight !== null && !isWeight(weight)) {
      throw new RangeError(`a weight is a whole number from 0 to ${MAX_WEIGHT}, not ${weight}`);
    }
    const subject = subjectOf(service, backend);
    const { logger } = this.#options;
    logger.info({ service, backend, state, weight, scope }, 'backend was decided on');
    if (scope === 'gateway') {
      this.#local.set(subject, { state, weight });
    } else {
      this.#local.delete(subject);
      void this.#state.decide(subject, { state, weight });
    }
    this.apply();
  }

  /** Takes back a decision for this gateway alone: the cluster's holds here, too. */
  follow(service: string, backend: string): void {
    this.#assertKnown(service, backend);
    this.#local.delete(subjectOf(service, backend));
    this.apply();
  }

  view(): SharedView {
    const shared = [...this.#state.decisions]
      // One that was taken back stays on the nodes, as the last word, and decides nothing.
      .filter(([, { state, weight }]) => state !== READY.state || weight !== READY.weight)
      .map(([subject, { state, weight, version, by }]) => {
        return { subject, state, weight, scope: 'cluster' as const, version, by };
      });
    const local = [...this.#local].map(([subject, { state, weight }]) => {
      return { subject, state, weight, scope: 'gateway' as const };
    });
    const pools = this.#options.pools();
    return {
      name: this.#options.name,
      peers: this.#state.peers.map(({ name, ageMs, heartbeat: { services } }) => {
        return { name, ageMs: Math.round(ageMs), services: beatsOf(pools, services) };
      }),
      decisions: [...shared, ...local],
    };
  }

  #assertKnown(service: string, backend: string): void {
    const subject = subjectOf(service, backend);
    const known = this.#options
      .pools()
      .flatMap((pool) => pool.backends.map(({ name }) => subjectOf(pool.service, name)));
    if (known.includes(subject)) return;
    throw new RangeError(`there is no ${subject}; there are ${known.join(', ')}`);
  }

  /** Sets in the backends what is known; to be called when they are others than before. */
  apply(): void {
    const { peers } = this.#state;
    this.#meet(peers);
    this.gateways = peers.length + 1;
    for (const { service, backends, sharesRoom } of this.#options.pools()) {
      for (const backend of backends) {
        const elsewhere = tunnelsElsewhere(peers, service, backend.name);
        const work = { own: backend.tunnels, elsewhere, gateways: this.gateways };
        backend.elsewhere = elsewhere;
        if (sharesRoom) backend.limit = limitOf(backend.address.maxconn, work);
        this.#obey(service, backend);
      }
    }
    this.#options.onApplied();
  }

  #obey(service: string, backend: Backend): void {
    if (!obeyDecision(this.decisions, service, backend)) return;
    const { name, adminState: state, weight } = backend;
    const fields = { service, backend: name, state, weight };
    this.#options.logger.info(fields, 'backend has a new admin state or weight');
  }

  /** Says once of each gateway that its pins cannot be found here, if so. */
  #meet(peers: readonly Peer[]): void {
    for (const { name, heartbeat } of peers) {
      if (heartbeat.secret === this.#fingerprint || this.#strangers.has(name)) continue;
      this.#strangers.add(name);
      const remedy = 'give all gateways the same SHARED_SECRET, or the same first TLS_KEY';
      this.#options.logger.warn(
        { gateway: name, remedy },
        'consoles are not recognised across gateways: their secrets differ',
      );
    }
  }
}

/** Sets in a backend what is decided on it; whether that changes anything. */
export function obeyDecision(
  { cluster, local }: StandingDecisions,
  service: string,
  backend: Backend,
): boolean {
  const subject = subjectOf(service, backend.name);
  const { state, weight: decided } = local.get(subject) ?? cluster.get(subject) ?? READY;
  const weight = decided ?? backend.address.weight;
  if (backend.adminState === state && backend.weight === weight) return false;
  backend.adminState = state;
  backend.weight = weight;
  return true;
}

function beatOf({ service, backends }: SharedPool): ServiceBeat {
  return {
    name: service,
    backends: backends.map(({ name, tunnels, health }) => ({ name, tunnels, health })),
  };
}

/** What a peer tells of services and backends that there are here: anything else may be without end. */
function beatsOf(pools: readonly SharedPool[], told: readonly ServiceBeat[]): ServiceBeat[] {
  return pools.flatMap(({ service, backends }) => {
    const theirs = told.find(({ name }) => name === service)?.backends;
    if (!theirs) return [];
    const known = backends.flatMap(({ name }) => theirs.find((one) => one.name === name) ?? []);
    return [{ name: service, backends: known }];
  });
}

function tunnelsElsewhere(peers: readonly Peer[], service: string, backend: string): number {
  let tunnels = 0;
  for (const { heartbeat } of peers) {
    const { backends } = heartbeat.services.find(({ name }) => name === service) ?? {};
    tunnels += backends?.find(({ name }) => name === backend)?.tunnels ?? 0;
  }
  return tunnels;
}
