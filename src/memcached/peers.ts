import type { Heartbeat } from './heartbeat.ts';

/** Another gateway, as its heartbeats show it. */
export interface Peer {
  readonly name: string;
  readonly heartbeat: Heartbeat;
  /** How long ago a heartbeat of it was last seen to be a new one, in ms. */
  readonly ageMs: number;
}

interface Seen {
  heartbeat: Heartbeat;
  /** When it was last seen to change; undefined as long as it has not. */
  changedAt: number | undefined;
}

/**
 * The other gateways, by their heartbeats. How old one is, is told by this process's own clock: a
 * gateway lives while its heartbeats go on changing, and what was found here first may be left over
 * from one that is gone.
 */
export class Peers {
  readonly #deadAfterMs: number;
  readonly #seen = new Map<string, Seen>();

  constructor(deadAfterMs: number) {
    this.#deadAfterMs = deadAfterMs;
  }

  /** Takes note of a heartbeat that was found, on whichever node; whether it is news. */
  saw(name: string, heartbeat: Heartbeat, now: number): boolean {
    const seen = this.#seen.get(name);
    if (!seen) {
      this.#seen.set(name, { heartbeat, changedAt: undefined });
      return false;
    }
    const { instance, beat } = seen.heartbeat;
    // A node that missed some has an older one.
    if (heartbeat.instance === instance && heartbeat.beat <= beat) return false;
    seen.heartbeat = heartbeat;
    seen.changedAt = now;
    return true;
  }

  /** Those that live. */
  live(now: number): Peer[] {
    const live: Peer[] = [];
    for (const [name, { heartbeat, changedAt }] of this.#seen) {
      if (changedAt === undefined || heartbeat.stopping) continue;
      const ageMs = now - changedAt;
      if (ageMs < this.#deadAfterMs) live.push({ name, heartbeat, ageMs });
    }
    return live;
  }

  /** How long nothing new was seen of a gateway; undefined where nothing ever was. */
  silentMs(name: string, now: number): number | undefined {
    const changedAt = this.#seen.get(name)?.changedAt;
    return changedAt === undefined ? undefined : now - changedAt;
  }

  forget(name: string): void {
    this.#seen.delete(name);
  }
}
