import type { Observation } from './finding.ts';

/** A clock beside ours. */
export interface ClockReading {
  /** By how much it is ahead, in ms. */
  readonly aheadMs: number;
  /** By how much that may be wrong either way, in ms. */
  readonly errorMs: number;
}

/** What certainly differs by more than this is told, in ms. */
const TOLERATED_MS = 2_000;
/** From here on, tokens and cookies are taken for expired, or for not valid yet. */
const BAD_MS = 300_000;

/**
 * Reads a clock that shows whole seconds.
 * @param shownMs unix time in ms, as it was shown
 * @param sentMs when it was asked, by our clock
 * @param receivedMs when the answer was there
 */
export function readingOf(shownMs: number, sentMs: number, receivedMs: number): ClockReading {
  const half = 500;
  return {
    aheadMs: shownMs + half - (sentMs + receivedMs) / 2,
    errorMs: half + (receivedMs - sentMs) / 2,
  };
}

/** What a reading says of a clock. */
export function clockFinding(
  { aheadMs, errorMs }: ClockReading,
  remedy: string,
): Pick<Observation, 'severity' | 'detail' | 'remedy'> {
  const certain = Math.abs(aheadMs) - errorMs;
  const shown = `${seconds(aheadMs)} ${aheadMs < 0 ? 'behind' : 'ahead of'} the clock of this host`;
  if (certain <= TOLERATED_MS) {
    const within = seconds(Math.abs(aheadMs) + errorMs);
    return { severity: 'ok', detail: `its clock is within ${within} of that of this host` };
  }
  return {
    severity: certain > BAD_MS ? 'error' : 'warning',
    detail: `its clock is ${shown}`,
    remedy,
  };
}

export function seconds(ms: number): string {
  const absolute = Math.abs(ms) / 1_000;
  return `${absolute < 10 ? absolute.toFixed(1) : Math.round(absolute)} s`;
}
