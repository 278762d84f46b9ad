import type { ClientEvent } from './client/event.ts';

/** What users saw of a fault. */
export interface Findings {
  /** The longest time from a poll that failed to the next that did not, in ms; Infinity: it never ended. */
  readonly gapMs: number;
  /** Requests that were not answered, or with an error, polls left out. */
  readonly failed: number;
  readonly requests: number;
  readonly loggedOut: number;
  /**
   * First connections of users to the machine that took over, each with a TLS session that the other one
   * had given, and how many of them went on with that.
   */
  readonly connections: number;
  readonly resumed: number;
  /** How long the console was without a picture for whom that took longest, in ms; 0: none broke. */
  readonly consolesMs: number;
}

/** When the fault happened, and when another machine had the address; undefined: it never had. */
export interface Takeover {
  readonly at: number;
  readonly movedAt: number | undefined;
}

/** Draws it from what users saw from the fault on. */
export function findingsOf(events: readonly ClientEvent[], takeover: Takeover): Findings {
  const requests = events.filter(({ kind }) => kind === 'fresh' || kind === 'kept');
  const first = firstConnections(events, takeover);
  return {
    gapMs: longestGap(events.filter(({ kind }) => kind === 'poll')),
    failed: requests.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'loggedOut').length,
    requests: requests.length,
    loggedOut: new Set(
      events
        .filter(({ outcome }) => outcome === 'loggedOut')
        .map(({ kind, user }) => `${kind} ${user}`),
    ).size,
    connections: first.length,
    resumed: first.filter(({ session }) => session?.resumed).length,
    consolesMs: longestConsoleGap(events),
  };
}

function longestGap(polls: readonly ClientEvent[]): number {
  let longest = 0;
  let failedAt: number | undefined;
  for (const { at, outcome } of polls.toSorted((a, b) => a.at - b.at)) {
    if (outcome !== 'ok') failedAt ??= at;
    else if (failedAt !== undefined) {
      longest = Math.max(longest, at - failedAt);
      failedAt = undefined;
    }
  }
  return failedAt === undefined ? longest : Number.POSITIVE_INFINITY;
}

/** Of each user with new connections, the first that another machine took with a session of the first one. */
function firstConnections(
  events: readonly ClientEvent[],
  { at: faultAt, movedAt = Number.POSITIVE_INFINITY }: Takeover,
): ClientEvent[] {
  return events.filter(
    ({ kind, at, ms, outcome, session }) =>
      kind === 'fresh' &&
      outcome === 'ok' &&
      // The first one has not had the address any more for a while when the second one gets it.
      at + ms >= movedAt &&
      // A session that came later may be the second one's own.
      session !== undefined &&
      session.since < faultAt,
  );
}

/** From the last picture before a console broke to the first after, of the one for which that took longest. */
function longestConsoleGap(events: readonly ClientEvent[]): number {
  let longest = 0;
  const consoles = Map.groupBy(
    events.filter(({ kind }) => kind === 'console'),
    ({ user }) => user,
  );
  for (const pictures of consoles.values()) {
    let lastAt: number | undefined;
    let broken = false;
    for (const { at, ms, outcome } of pictures) {
      if (outcome !== 'ok') {
        broken = true;
        lastAt ??= at;
        continue;
      }
      if (broken && lastAt !== undefined) longest = Math.max(longest, at + ms - lastAt);
      broken = false;
      lastAt = at + ms;
    }
    if (broken) return Number.POSITIVE_INFINITY;
  }
  return longest;
}
