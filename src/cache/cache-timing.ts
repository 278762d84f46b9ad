/**
 * The times of the cache, in ms. A client waits the longest where an owner falls silent at a write:
 * `writeDeadlineMs + leaseWaitMs` and two round trips, which is to stay below half a second. Where all
 * owners are silent it is a second: Django takes an error for the end of the session, while a network
 * that is changing over is back by then.
 */
export interface CacheTiming {
  /** How long a read waits for one owner before the next is asked, too. */
  readonly readDeadlineMs: number;
  /** How long an owner may take to answer anything, before it counts as failed. */
  readonly writeDeadlineMs: number;
  /** How much longer than that, where to give it up would cost the last full copy of an item. */
  readonly lastCopyMs: number;
  /** For how long a read goes on asking where no owner answers, from when that began. */
  readonly silenceMs: number;
  /** From the start of one reading of the view to the start of the next. */
  readonly pollEveryMs: number;
  /** How long a node may take to answer with its view. */
  readonly pollDeadlineMs: number;
  /** How long the view may be relied upon, from the start of its reading. */
  readonly leaseMs: number;
  /**
   * From the moment that a majority of the nodes knows of a change until every gateway has seen it
   * or relies on its view no more: `leaseMs`, and a little for clocks that do not run alike.
   */
  readonly leaseWaitMs: number;
  /** How long making a change known to a majority may take. */
  readonly establishMs: number;
  /**
   * How long a node must have answered without a break before it is refilled. A request that was
   * given up on must be over by then: carried out, or lost with its connection.
   */
  readonly quietMs: number;
  /** How long no majority may be found before a gateway takes what it knows for the view. */
  readonly patienceMs: number;
}

export const DEFAULT_CACHE_TIMING: CacheTiming = {
  readDeadlineMs: 75,
  writeDeadlineMs: 125,
  lastCopyMs: 875,
  silenceMs: 1000,
  pollEveryMs: 75,
  pollDeadlineMs: 75,
  leaseMs: 225,
  leaseWaitMs: 230,
  establishMs: 200,
  quietMs: 1000,
  patienceMs: 2000,
};
