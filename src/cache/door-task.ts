import type { Command } from '../memcached/command-parser.ts';
import type { CacheStore } from './cache-store.ts';
import type { DoorCounters } from './door-counters.ts';
import type { Outcome, Task } from './door-queue.ts';
import { REPLIES, type Reply } from './door-replies.ts';
import type { DoorStats } from './door-stats.ts';

/** What commands are carried out with. */
export interface CommandContext {
  readonly store: CacheStore;
  readonly counters: DoorCounters;
  readonly stats: DoorStats;
  readonly allowFlush: boolean;
  readonly version: string;
}

/** What a command comes to: tasks to carry out in this order, or the end of the connection. */
export type Plan = Task | readonly Task[] | 'close';

/** Makes the plan of one command; answers in memcached 1.6.18's own words, errors included. */
export type Handler = (context: CommandContext, command: Command) => Plan;

/** `protocol.txt`, "Keys". memcached lets control bytes pass; its own line-based tools do not. */
const KEY = /^[^\0-\x20\x7f]{1,250}$/;

/** Whether a key may go to the store. */
export function isKey(word: string): boolean {
  return KEY.test(word);
}

/** Whether a command of the classic protocol wants no answer, not even an error. */
export function isQuiet(words: readonly string[]): boolean {
  return words.at(-1) === 'noreply';
}

export function done(reply: Reply): Outcome {
  return { reply, failed: false };
}

/** A task that is answered without the store. */
export function said(reply: Reply, quiet = false): Task {
  const outcome = done(reply);
  return { access: 'nothing', values: 0, bytes: 0, quiet, run: () => outcome };
}

/** A task that writes one key; nothing but the answer where the key is none. */
export function writing(
  key: string,
  quiet: boolean,
  act: () => Promise<Reply>,
  data?: Buffer,
): Task {
  if (!isKey(key)) return said(REPLIES.badFormat, quiet);
  const run = async () => done(await act());
  return { access: 'write', key, values: 0, bytes: data?.length ?? 0, quiet, run };
}

/**
 * Refuses a value over the limit. Like memcached, `set` and `ms` then drop the old value as well,
 * so that it is not served in place of the new one.
 */
export function refusingValue(
  { store, counters }: CommandContext,
  verb: string,
  key: string,
  quiet: boolean,
): Task {
  counters.outcomes.store_too_large++;
  if (verb !== 'set' && verb !== 'ms') return said(REPLIES.tooLarge, quiet);
  return writing(key, quiet, async () => {
    await store.delete(key);
    return REPLIES.tooLarge;
  });
}
