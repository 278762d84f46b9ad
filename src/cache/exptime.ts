/** Times beyond it are of unix time (protocol.txt, "Expiration times"). */
const MAX_RELATIVE_SECONDS = 30 * 24 * 60 * 60;
/** Clocks of nodes may be so far behind ours, in seconds: what is over here is soon over there. */
const SLACK_SECONDS = 2;

/** A time to live, in seconds, -1 for ever, as the protocol wants it. */
export function exptimeOf(ttl: number, unixMs: number): number {
  if (ttl < 0) return 0;
  if (ttl <= MAX_RELATIVE_SECONDS) return Math.max(1, ttl);
  return Math.floor(unixMs / 1000) + ttl;
}

/** Whether an item that is given this time is gone at once: to write it is to delete it. */
export function isOver(exptime: number, unixMs: number): boolean {
  if (exptime < 0) return true;
  return exptime > MAX_RELATIVE_SECONDS && exptime <= unixMs / 1000 + SLACK_SECONDS;
}
