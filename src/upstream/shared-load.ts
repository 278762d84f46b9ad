/** One backend's work at the moment at which gateways were last compared. */
export interface SharedWork {
  /** Tunnels of this gateway. */
  readonly own: number;
  /** Tunnels of the other gateways, as they last told. */
  readonly elsewhere: number;
  /** How many gateways there are, this one included. */
  readonly gateways: number;
}

/**
 * What is to be added to the number of a backend's leases here, from now until gateways are next compared, so that
 * they stand for its load.
 *
 * All gateways see the same difference between backends and make up for it at the same time. If each
 * made up for all of it, the backend with the least would be flooded, be the one with the most the
 * next time, and so on for ever. So each takes its part of what there is (`(own + elsewhere) /
 * gateways`), and counts what it adds and ends itself from then on as a whole.
 */
export function loadOffsetOf({ own, elsewhere, gateways }: SharedWork): number {
  return (own + elsewhere) / gateways - own;
}

/**
 * Most leases at once in this gateway: what it has, and its part of the room that is left, so that
 * all of them together keep within `maxconn` although none knows what the others take meanwhile.
 * Rounded up, or the last place would be nobody's: they may be over by one less than they are.
 * @param maxconn 0 for no limit.
 */
export function limitOf(maxconn: number, { own, elsewhere, gateways }: SharedWork): number {
  if (maxconn === 0) return Number.POSITIVE_INFINITY;
  if (gateways === 1) return maxconn;
  const room = Math.max(0, maxconn - own - elsewhere);
  return own + Math.ceil(room / gateways);
}
