import { createHash } from 'node:crypto';

/** How often each side of a console says something, in ms. */
export const SAY_MS = 1_000;
/** The close code of who was told something else than what was said. */
export const WRONG_BYTES = 4001;

export type Direction = 'up' | 'down';

/** What is said as the `seq`-th thing in one direction of a console: its number, and bytes that follow from all that. */
export function saying(id: string, direction: Direction, seq: number): Buffer {
  const message = Buffer.alloc(36);
  message.writeUInt32BE(seq);
  createHash('sha256').update(`${id} ${direction} ${seq}`).digest().copy(message, 4);
  return message;
}

/** Listens to one direction of a console. */
export class Listening {
  readonly #id: string;
  readonly #direction: Direction;
  #heard = 0;

  constructor(id: string, direction: Direction) {
    this.#id = id;
    this.#direction = direction;
  }

  /** Whether that is what comes next. */
  isRight(message: Buffer): boolean {
    return saying(this.#id, this.#direction, this.#heard++).equals(message);
  }
}
