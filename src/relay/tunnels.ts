import type { Lease } from '../upstream/pool.ts';
import type { Deadlined, Deadlines } from './deadlines.ts';
import type { Tunnel } from './tunnel.ts';
import type { TunnelEnd } from './tunnel-ending.ts';

/** How long tunnels may last, whatever goes through them; in ms. */
export interface TunnelLimits {
  /** Of one whose backend is drained, from when that is noticed. */
  readonly drainMs: number;
  /** Between two pings to a client; undefined: none are sent. */
  readonly pingMs?: number | undefined;
  /** Of any, in all; undefined: no limit. */
  readonly durationMs?: number | undefined;
}

const DRAINED: TunnelEnd = {
  cause: 'drained',
  code: 1001,
  reason: 'the console server is taken out of service',
};
const RETIRED: TunnelEnd = { cause: 'retired', code: 1001, reason: 'the gateway is shutting down' };
const ENDED: TunnelEnd = {
  cause: 'operator',
  code: 1008,
  reason: 'an operator has ended the console',
};
const OVER: TunnelEnd = {
  cause: 'overtime',
  code: 1008,
  reason: 'a console may not last any longer',
};

/** How often it is looked whether backends take tunnels at all, in ms. */
const SWEEP_MS = 500;
/** Clients that are told to come back come back at once: each is told that much after the other. */
const STEP_MS = 1;
/** All of them are told within that time, in ms. */
const LONGEST_SPREAD_MS = 10_000;

/** Why a tunnel is to end though neither side wants it. */
type Cause = 'drain' | 'maint' | 'retired';

/** An open tunnel, as it is told of. */
export interface TunnelView {
  /** Its number in this relay. */
  readonly number: number;
  /** The address of its client. */
  readonly client: string;
  readonly backend: string;
  /** When it was opened, in ms of unix time. */
  readonly since: number;
  /** Bytes from the client and from the backend. */
  readonly received: number;
  readonly sent: number;
}

/** An open tunnel, and what is to happen to it. */
interface Entry {
  readonly number: number;
  readonly client: string;
  readonly since: number;
  readonly tunnel: Tunnel;
  readonly lease: Lease;
  readonly duration: Deadlined | undefined;
  departure: { readonly cause: Cause; readonly at: Deadlined } | undefined;
  ping: Deadlined | undefined;
}

/**
 * The open tunnels of a relay, and how long each may last. A tunnel lives on while its backend is
 * drained, up to a limit; many that end for one cause end one after the other.
 */
export class Tunnels {
  readonly #deadlines: Deadlines;
  readonly #limits: TunnelLimits;
  readonly #entries = new Map<Tunnel, Entry>();
  #sweeps: NodeJS.Timeout | undefined;
  #retiring = false;
  #opened = 0;

  constructor(deadlines: Deadlines, limits: TunnelLimits) {
    this.#deadlines = deadlines;
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes care of a tunnel of that client until `remove`. */
  add(tunnel: Tunnel, lease: Lease, client: string): void {
    const { durationMs, pingMs } = this.#limits;
    const duration =
      durationMs === undefined
        ? undefined
        : this.#deadlines.after(durationMs, () => tunnel.end(OVER));
    const number = ++this.#opened;
    const since = Date.now();
    const about = { number, client, since };
    const entry = { ...about, tunnel, lease, duration, departure: undefined, ping: undefined };
    // Not by a deadline, which would have all deadlines looked at.
    this.#sweeps ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    this.#entries.set(tunnel, entry);
    // Tunnels that opened together, after a failover for instance, are not to be asked together.
    if (pingMs !== undefined) this.#pingIn(entry, pingMs * (0.5 + Math.random() / 2));
    // Its handshake was under way.
    if (this.#retiring) this.#depart(entry, 'retired', 0);
  }

  remove(tunnel: Tunnel): void {
    const entry = this.#entries.get(tunnel);
    if (!entry) return;
    this.#entries.delete(tunnel);
    this.#stay(entry);
    if (entry.duration) this.#deadlines.remove(entry.duration);
    if (entry.ping) this.#deadlines.remove(entry.ping);
    if (this.#entries.size > 0) return;
    clearInterval(this.#sweeps);
    this.#sweeps = undefined;
  }

  /** The newest of them, at most so many, the newest first. */
  view(most: number): TunnelView[] {
    const entries = Array.from(this.#entries.values()).slice(-most).reverse();
    return entries.map(({ number, client, since, lease, tunnel: { received, sent } }) => {
      return { number, client, backend: lease.backend.name, since, received, sent };
    });
  }

  /** Ends one of them; whether it was there. */
  end(number: number): boolean {
    for (const entry of this.#entries.values()) {
      if (entry.number !== number) continue;
      entry.tunnel.end(ENDED);
      return true;
    }
    return false;
  }

  /** Ends all of them within `spreadMs`, and what opens from now on at once. */
  retire(spreadMs: number): void {
    this.#retiring = true;
    const step = this.#step(spreadMs);
    let after = 0;
    for (const entry of this.#entries.values()) {
      this.#stay(entry);
      this.#depart(entry, 'retired', after);
      after += step;
    }
  }

  /** Looks which backends the operator has taken out of service since, or put back. */
  #sweep(): void {
    if (this.#retiring) return;
    const step = this.#step(LONGEST_SPREAD_MS);
    let after = 0;
    for (const entry of this.#entries.values()) {
      const { adminState } = entry.lease.backend;
      const cause = adminState === 'ready' ? undefined : adminState;
      if (entry.departure?.cause === cause) continue;
      this.#stay(entry);
      if (!cause) continue;
      this.#depart(entry, cause, after + (cause === 'drain' ? this.#limits.drainMs : 0));
      after += step;
    }
  }

  #step(spreadMs: number): number {
    return Math.min(STEP_MS, spreadMs / this.#entries.size);
  }

  #depart(entry: Entry, cause: Cause, ms: number): void {
    const end = cause === 'retired' ? RETIRED : DRAINED;
    if (ms === 0) {
      entry.tunnel.end(end);
      return;
    }
    const at = this.#deadlines.after(ms, () => entry.tunnel.end(end));
    entry.departure = { cause, at };
  }

  #stay(entry: Entry): void {
    if (entry.departure) this.#deadlines.remove(entry.departure.at);
    entry.departure = undefined;
  }

  /**
   * Asks a client whether it is there. Its answer goes on to the backend, which takes it for a pong
   * that nobody asked for (RFC 6455 §5.5.3) and does nothing.
   */
  #pingIn(entry: Entry, ms: number): void {
    entry.ping = this.#deadlines.after(ms, () => {
      const { tunnel } = entry;
      const asked = tunnel.ping();
      const heard = tunnel.received;
      const { pingMs = 0 } = this.#limits;
      entry.ping = this.#deadlines.after(pingMs, () => {
        if (asked && tunnel.received === heard && !tunnel.deaf) tunnel.dropClient();
        else this.#pingIn(entry, 0);
      });
    });
  }
}
