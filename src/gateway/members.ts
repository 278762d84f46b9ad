import type { Refusals } from '../admin/state.ts';
import type { Backend } from '../upstream/backend.ts';
import { loadOffsetOf } from '../upstream/shared-load.ts';
import { type Holder, Limits } from './limits.ts';
import type { DataReport, OpenTunnel, Snapshot, Totals } from './messages.ts';
import { backendIn, sumOf, Tally } from './tally.ts';
import type { WatchedService } from './watched-service.ts';

/** A data plane as the control plane deals with it; its report is what it last told. */
export interface Member extends Holder {
  /** Of its process. */
  readonly pid: number;
  /** Hands it what to select by from now on. */
  apply(snapshot: Snapshot): void;
  /** Tells it what all have seen of addresses. */
  learn(totals: Totals): void;
  /** Asks it to tell; resolves when it has, or has taken too long. */
  refresh(): Promise<void>;
  /** The newest of its open tunnels, at most so many of each service. */
  openTunnels(most: number): Promise<readonly OpenTunnel[]>;
  /** Ends one of them with a close frame; whether it was there. */
  endTunnel(id: string): Promise<boolean>;
}

export interface MembersOptions {
  readonly services: () => readonly WatchedService[];
  /** How many gateways share the work, this one included. */
  readonly gateways: () => number;
}

/** The data planes of a gateway: what they are told, and what they do together. */
export class Members {
  readonly #options: MembersOptions;
  readonly #members = new Set<Member>();
  readonly #tally = new Tally();
  readonly #limits = new Limits();

  constructor(options: MembersOptions) {
    this.#options = options;
  }

  add(member: Member): void {
    this.#members.add(member);
  }

  /** What it has done still counts; false where it was none. */
  remove(member: Member): boolean {
    if (!this.#members.delete(member)) return false;
    this.#tally.keep(member.report);
    return true;
  }

  /** Tells every one what to select by. */
  apply(): void {
    const members = Array.from(this.#members);
    const limits = this.#limitsOf(members);
    for (const member of members) member.apply(this.#snapshotFor(member, limits));
  }

  /** Whether requests wait in any, or are turned away, which may be served by what others leave. */
  get hasMoreToDo(): boolean {
    const services = this.#reports.flatMap((report) => report.services);
    return services.some(({ queued, turnsAway }) => queued > 0 || turnsAway);
  }

  /** Tells every one what all have seen of addresses. */
  learn(totals: Totals): void {
    for (const member of this.#members) member.learn(totals);
  }

  /** Asks every one to tell what it does; resolves when they have. */
  async refresh(): Promise<void> {
    await Promise.all(Array.from(this.#members, (member) => member.refresh()));
  }

  /** What all do, as if they were one. */
  report(): DataReport {
    return sumOf(this.#reports);
  }

  /** What all have turned away or lost, those that are gone included. */
  refusals(): Refusals {
    return this.#tally.refusals(this.#reports);
  }

  /** Has the backends have what all have told of them. */
  count(): void {
    this.#tally.count(this.#options.services(), this.#reports);
  }

  /** The newest open tunnels, at most so many, the newest first. */
  async openTunnels(most: number): Promise<readonly OpenTunnel[]> {
    const members = Array.from(this.#members);
    const theirs = await Promise.all(
      members.map(async (member) => {
        const tunnels = await member.openTunnels(most);
        return tunnels.map((tunnel) => ({ ...tunnel, id: `${member.pid}-${tunnel.id}` }));
      }),
    );
    const newestFirst = theirs.flat().sort((one, other) => other.since - one.since);
    return newestFirst.slice(0, most);
  }

  /** Ends the tunnel of that id; whether it was there. */
  async endTunnel(id: string): Promise<boolean> {
    const [pid, ...rest] = id.split('-');
    // A process may have two data planes, one of which drains.
    for (const member of this.#members) {
      if (String(member.pid) === pid && (await member.endTunnel(rest.join('-')))) return true;
    }
    return false;
  }

  get #reports(): DataReport[] {
    return Array.from(this.#members, ({ report }) => report);
  }

  /** Of each backend that has a limit: how much of it is whose. */
  #limitsOf(members: readonly Member[]): ReadonlyMap<Backend, ReadonlyMap<Holder, number>> {
    const limits = new Map<Backend, ReadonlyMap<Holder, number>>();
    for (const { service, backends } of this.#options.services()) {
      for (const [turn, backend] of backends.entries()) {
        // Of `maxconn`, what is this gateway's.
        const { name, limit: maxconn } = backend;
        if (maxconn === Number.POSITIVE_INFINITY) continue;
        const limited = { service, backend: name, maxconn, turn };
        limits.set(backend, this.#limits.divide(members, limited));
      }
    }
    return limits;
  }

  #snapshotFor(
    member: Member,
    limits: ReadonlyMap<Backend, ReadonlyMap<Holder, number>>,
  ): Snapshot {
    // Each that takes new work makes up for its part of a difference, in whichever gateway it is.
    const serving = Array.from(this.#members).filter(({ share }) => share !== undefined);
    const planes = Math.max(1, serving.length) * this.#options.gateways();
    return {
      services: this.#options.services().map(({ service, backends }) => ({
        name: service,
        backends: backends.map((backend) => {
          const { name, health, silent, adminState, ejected, share: weight, tunnels } = backend;
          const own = backendIn(member.report, service, name)?.tunnels ?? 0;
          const elsewhere = tunnels - own + backend.elsewhere;
          const loadOffset = loadOffsetOf({ own, elsewhere, gateways: planes });
          const limit = limits.get(backend)?.get(member) ?? null;
          return { name, health, silent, adminState, ejected, weight, loadOffset, limit };
        }),
      })),
    };
  }
}
