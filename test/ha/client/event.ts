/**
 * How something ended: well, with no answer in time, by a connection that failed, with an answer of 500 or
 * above, or with being sent to log in.
 */
export type Outcome = 'ok' | 'timeout' | 'broken' | 'error' | 'loggedOut';

/**
 * What the client saw. A `poll` and a `fresh` request have a connection of their own, `kept` ones share one;
 * a `console` asked for a picture.
 */
export interface ClientEvent {
  readonly kind: 'poll' | 'fresh' | 'kept' | 'console';
  /** Who it was, of its kind. */
  readonly user: number;
  /** When it began, in Unix time in ms. */
  readonly at: number;
  /** How long it took, in ms. */
  readonly ms: number;
  readonly outcome: Outcome;
  /** Of a new connection: the TLS session that it could go on with, and whether it did. */
  readonly session?: {
    /** When that was given, in Unix time in ms. */
    readonly since: number;
    readonly resumed: boolean;
  };
}

/** What the client is to do, as its only argument has it. */
export interface ClientTask {
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** Opens a console. */
  readonly token: string;
}
