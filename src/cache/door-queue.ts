import { REPLIES, type Reply, replyBytes } from './door-replies.ts';

/** A piece of work for one connection: a command, or a part of a long one. */
export interface Task {
  /** What it does to the store; `nothing` is answered from here. */
  readonly access: 'nothing' | 'read' | 'write';
  /** The one key that it concerns; undefined for several. */
  readonly key?: string;
  /** Most values that its answer may hold. */
  readonly values: number;
  /** Bytes of the client's value that it holds. */
  readonly bytes: number;
  /** Nothing of it is answered, errors included (`noreply`). */
  readonly quiet: boolean;
  /** The command that it is a part of: after a part that failed, nothing of it is sent. */
  readonly whole?: { failed: boolean };
  readonly run: () => Outcome | Promise<Outcome>;
}

/** What came of a task. */
export interface Outcome {
  readonly reply: Reply;
  readonly failed: boolean;
}

/** A task that was started. */
interface Slot {
  readonly task: Task;
  /** Bytes that it is taken to hold, until its answer has left. */
  bytes: number;
  outcome: Outcome | undefined;
}

/** Most tasks of one connection under way at once. */
const MAX_TASKS = 64;
/** Most bytes of one connection's tasks under way at once; one alone may have more. */
const WINDOW_BYTES = 1024 * 1024;
/** How large a value is expected to be before one was seen, in bytes. */
const FIRST_EXPECTATION = 64 * 1024;

/**
 * The tasks of one connection that are under way: several at once, but for those of one key of
 * which one writes, and answered in the order in which they began. What they hold is bounded: a
 * value that is read counts as large as those lately read were, half as large from one to the next.
 */
export class TaskQueue {
  readonly #slots: Slot[] = [];
  #bytes = 0;
  #expected = FIRST_EXPECTATION;

  /** Tasks whose answer has not left. */
  get size(): number {
    return this.#slots.length;
  }

  /** Whether the task may begin now. */
  admits(task: Task): boolean {
    if (this.#slots.length === 0) return true;
    if (this.#slots.length >= MAX_TASKS) return false;
    if (this.#bytes + this.#expectedBytes(task) > WINDOW_BYTES) return false;
    return !this.#slots.some((slot) => slot.outcome === undefined && collide(slot.task, task));
  }

  /** Enters a task that begins; `settle` it. */
  begin(task: Task): Slot {
    const slot = { task, bytes: this.#expectedBytes(task), outcome: undefined };
    this.#bytes += slot.bytes;
    this.#slots.push(slot);
    return slot;
  }

  settle(slot: Slot, outcome: Outcome): void {
    slot.outcome = outcome;
    const bytes = replyBytes(outcome.reply);
    const { values } = slot.task;
    if (values > 0) this.#expected = Math.max(Math.ceil(bytes / values), this.#expected >> 1);
    this.#bytes += bytes - slot.bytes;
    slot.bytes = bytes;
  }

  /** The next answer in order, once it is there. */
  take(): Reply | undefined {
    const slot = this.#slots[0];
    if (slot?.outcome === undefined) return undefined;
    this.#slots.shift();
    this.#bytes -= slot.bytes;
    const { quiet, whole } = slot.task;
    if (quiet || whole?.failed) return REPLIES.nothing;
    if (whole !== undefined) whole.failed = slot.outcome.failed;
    return slot.outcome.reply;
  }

  #expectedBytes({ values, bytes }: Task): number {
    return bytes + values * this.#expected;
  }
}

function collide(one: Task, other: Task): boolean {
  if (one.access === 'nothing' || other.access === 'nothing') return false;
  if (one.access === 'read' && other.access === 'read') return false;
  return one.key === undefined || other.key === undefined || one.key === other.key;
}
