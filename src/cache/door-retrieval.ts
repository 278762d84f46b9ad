import { readInt32 } from '../memcached/command-numbers.ts';
import type { CachedItem } from './cache-store.ts';
import type { Task } from './door-queue.ts';
import { itemReply, itemsReply, REPLIES } from './door-replies.ts';
import { type CommandContext, done, isKey, type Plan, said } from './door-task.ts';

/** Keys of one task of a long `get`: bounds what a connection can make the cache hold at once. */
const KEYS_PER_TASK = 16;

/** `get` and `gets`. */
export function retrieval(
  context: CommandContext,
  keys: readonly string[],
  withCas: boolean,
): Plan {
  if (keys.length === 0) return said(REPLIES.error);
  if (!keys.every(isKey)) return said(REPLIES.badFormat);
  if (keys.length === 1) return retrievalOfOne(context, keys[0]!, withCas);
  return inParts(keys, (part, last) => async () => {
    const items = await context.store.getMany(part);
    tally(context, part.filter((key) => items.has(key)).length, part.length);
    return done(itemsReply(part, items, withCas, last));
  });
}

/** `gat` and `gats`. */
export function retrievalWithTouch(
  context: CommandContext,
  [, time, ...keys]: readonly string[],
  withCas: boolean,
): Plan {
  if (time === undefined) return said(REPLIES.error);
  const exptime = readInt32(time);
  if (exptime === undefined) return said(REPLIES.badExptime);
  if (keys.length === 0) return said(REPLIES.end);
  if (!keys.every(isKey)) return said(REPLIES.badFormat);
  const tasks = inParts(keys, (part, last) => async () => {
    const items = await touchAll(context, part, exptime);
    const hits = part.filter((key) => items.has(key)).length;
    tally(context, hits, part.length);
    context.counters.outcomes.touch_hits += hits;
    context.counters.outcomes.touch_misses += part.length - hits;
    return done(itemsReply(part, items, withCas, last));
  });
  return tasks.map((task) => ({ ...task, access: 'write' }));
}

function retrievalOfOne(context: CommandContext, key: string, withCas: boolean): Task {
  const run = async () => {
    const item = await context.store.get(key);
    tally(context, item === undefined ? 0 : 1, 1);
    return done(itemReply(key, item, withCas));
  };
  return { access: 'read', key, values: 1, bytes: 0, quiet: false, run };
}

async function touchAll(
  { store }: CommandContext,
  keys: readonly string[],
  exptime: number,
): Promise<ReadonlyMap<string, CachedItem>> {
  const items = new Map<string, CachedItem>();
  const touch = async (key: string) => {
    const item = await store.getAndTouch(key, exptime);
    if (item !== undefined) items.set(key, item);
  };
  await Promise.all([...new Set(keys)].map(touch));
  return items;
}

/** One command of many keys as several tasks of few. */
function inParts(
  keys: readonly string[],
  run: (part: readonly string[], last: boolean) => Task['run'],
): readonly Task[] {
  const tasks: Task[] = [];
  const whole = { failed: false };
  for (let at = 0; at < keys.length; at += KEYS_PER_TASK) {
    const part = keys.slice(at, at + KEYS_PER_TASK);
    const last = at + KEYS_PER_TASK >= keys.length;
    const task = { access: 'read', values: part.length, bytes: 0, quiet: false, whole } as const;
    tasks.push({ ...task, ...(keys.length === 1 && { key: keys[0]! }), run: run(part, last) });
  }
  return tasks;
}

function tally({ counters: { outcomes } }: CommandContext, hits: number, asked: number): void {
  outcomes.get_hits += hits;
  outcomes.get_misses += asked - hits;
}
