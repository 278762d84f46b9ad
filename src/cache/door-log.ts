import type { Logger } from '../log.ts';

/** How long after a warning others of its kind are only counted, in ms. */
const QUIET_MS = 10_000;

/**
 * Warnings of what clients can cause as often as they like: of each kind one line in ten seconds,
 * with how many it stands for.
 */
export class SparseLog {
  readonly #logger: Logger;
  readonly #kinds = new Map<string, { quietUntil: number; unsaid: number }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `kind` comes from a fixed set; `message` names the cause and the remedy. */
  warn(kind: string, fields: object, message: string): void {
    const now = performance.now();
    const state = this.#kinds.get(kind) ?? { quietUntil: 0, unsaid: 0 };
    this.#kinds.set(kind, state);
    state.unsaid++;
    if (now < state.quietUntil) return;
    this.#logger.warn({ ...fields, times: state.unsaid }, message);
    state.quietUntil = now + QUIET_MS;
    state.unsaid = 0;
  }
}
