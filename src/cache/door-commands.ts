import { readInt32, readUint32, readUint64 } from '../memcached/command-numbers.ts';
import type { Command } from '../memcached/command-parser.ts';
import type { StorageVerb } from './cache-store.ts';
import { metaCommand } from './door-meta-commands.ts';
import { line, REPLIES } from './door-replies.ts';
import { retrieval, retrievalWithTouch } from './door-retrieval.ts';
import {
  type CommandContext,
  done,
  type Handler,
  isKey,
  isQuiet,
  type Plan,
  refusingValue,
  said,
  writing,
} from './door-task.ts';

const HANDLERS = new Map<string, Handler>([
  ['get', (context, { words }) => retrieval(context, words.slice(1), false)],
  ['gets', (context, { words }) => retrieval(context, words.slice(1), true)],
  ['gat', (context, { words }) => retrievalWithTouch(context, words, false)],
  ['gats', (context, { words }) => retrievalWithTouch(context, words, true)],
  ['set', store],
  ['add', store],
  ['replace', store],
  ['append', store],
  ['prepend', store],
  ['cas', store],
  ['delete', remove],
  ['touch', touch],
  ['incr', count],
  ['decr', count],
  ['mg', metaCommand],
  ['ms', metaCommand],
  ['md', metaCommand],
  ['mn', () => said(REPLIES.metaNoOp)],
  ['flush_all', flush],
  ['verbosity', verbosity],
  ['stats', ({ stats }, { words }) => said(line(stats.answer(words[1]).join('\r\n')))],
  ['version', ({ version }) => said(line(`VERSION ${version}`))],
  ['shutdown', () => said(REPLIES.shutdownRefused)],
  ['quit', () => 'close'],
]);

/** What is to be done about one command. */
export function planOf(context: CommandContext, command: Command): Plan {
  const { words } = command;
  const verb = words[0] ?? '';
  const handler = HANDLERS.get(verb);
  const { commands } = context.counters;
  if (handler !== undefined) {
    commands[verb as keyof typeof commands]++;
    return handler(context, command);
  }
  commands.unknown++;
  // A browser that was led here is not to have its body read as commands; memcached does the same.
  return words.at(-1)?.startsWith('HTTP/') ? 'close' : said(REPLIES.error);
}

function store(context: CommandContext, { words, data, fault }: Command): Plan {
  const [verb = '', key = '', flagsWord = '', time = ''] = words;
  if (fault === 'missing argument' || fault === 'extra argument') return said(REPLIES.error);
  const quiet = isQuiet(words);
  if (fault === 'bad format' || !isKey(key)) return said(REPLIES.badFormat, quiet);
  if (fault === 'bad data') return said(REPLIES.badData, quiet);
  if (data === undefined) return refusingValue(context, verb, key, quiet);
  const flags = readUint32(flagsWord)!;
  const exptime = readInt32(time)!;
  const { store, counters } = context;
  const storing = async () => {
    const answer = await store.store(verb as StorageVerb, key, data, flags, exptime);
    return answer === 'STORED' ? REPLIES.stored : REPLIES.notStored;
  };
  const storingVersion = async () => {
    const answer = await store.cas(key, data, readUint64(words[5]!)!, flags, exptime);
    const { counted, reply } = CAS_ANSWERS[answer];
    counters.outcomes[counted]++;
    return reply;
  };
  return writing(key, quiet, verb === 'cas' ? storingVersion : storing, data);
}

const CAS_ANSWERS = {
  STORED: { counted: 'cas_hits', reply: REPLIES.stored },
  EXISTS: { counted: 'cas_badval', reply: REPLIES.exists },
  NOT_FOUND: { counted: 'cas_misses', reply: REPLIES.notFound },
} as const;

function remove({ store, counters }: CommandContext, { words }: Command): Plan {
  const [, key, second, third] = words;
  if (key === undefined || words.length > 4) return said(REPLIES.error);
  const quiet = words.length > 2 && isQuiet(words);
  const valid =
    words.length === 2 ||
    (words.length === 3 ? second === '0' || quiet : second === '0' && third === 'noreply');
  if (!valid) return said(REPLIES.badDelete, quiet);
  return writing(key, quiet, async () => {
    const deleted = await store.delete(key);
    counters.outcomes[deleted ? 'delete_hits' : 'delete_misses']++;
    return deleted ? REPLIES.deleted : REPLIES.notFound;
  });
}

function touch({ store, counters }: CommandContext, { words }: Command): Plan {
  const [, key, time] = words;
  if (key === undefined || time === undefined || words.length > 4) return said(REPLIES.error);
  const quiet = isQuiet(words);
  if (!isKey(key)) return said(REPLIES.badFormat, quiet);
  const exptime = readInt32(time);
  if (exptime === undefined) return said(REPLIES.badExptime, quiet);
  return writing(key, quiet, async () => {
    const touched = await store.touch(key, exptime);
    counters.outcomes[touched ? 'touch_hits' : 'touch_misses']++;
    return touched ? REPLIES.touched : REPLIES.notFound;
  });
}

function count({ store, counters }: CommandContext, { words }: Command): Plan {
  const [verb, key, delta] = words;
  if (key === undefined || delta === undefined || words.length > 4) return said(REPLIES.error);
  const quiet = isQuiet(words);
  if (!isKey(key)) return said(REPLIES.badFormat, quiet);
  const by = readUint64(delta);
  if (by === undefined) return said(REPLIES.badDelta, quiet);
  const direction = verb === 'incr' ? 'incr' : 'decr';
  return writing(key, quiet, async () => {
    const value = await store.count(direction, key, by);
    counters.outcomes[`${direction}_${value === undefined ? 'misses' : 'hits'}`]++;
    return value === undefined ? REPLIES.notFound : line(String(value));
  });
}

function flush({ store, allowFlush }: CommandContext, { words }: Command): Plan {
  if (words.length > 3) return said(REPLIES.error);
  const quiet = words.length > 1 && isQuiet(words);
  if (!allowFlush) return said(REPLIES.flushRefused, quiet);
  const delay = words.length > (quiet ? 2 : 1) ? readInt32(words[1]!) : 0;
  if (delay === undefined) return said(REPLIES.badExptime, quiet);
  if (delay > 0) return said(REPLIES.delayedFlush, quiet);
  const run = async () => {
    await store.flush();
    return done(REPLIES.ok);
  };
  return { access: 'write', values: 0, bytes: 0, quiet, run };
}

function verbosity(_context: CommandContext, { words }: Command): Plan {
  if (words.length < 2 || words.length > 3) return said(REPLIES.error);
  const valid = readUint32(words[1]!) !== undefined;
  return said(valid ? REPLIES.ok : REPLIES.badFormat, isQuiet(words));
}
