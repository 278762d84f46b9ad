import type { Command, CommandFault } from '../memcached/command-parser.ts';
import { MAX_KEY_BYTES } from '../memcached/protocol.ts';
import { type ItemStore, itemBytes, MAX_ITEM_BYTES } from './item-store.ts';
import { metaCommand } from './memcached-meta.ts';

/** What a command is carried out with. */
export interface CommandContext {
  readonly store: ItemStore;
  /** The lines of `stats`, beside those of the store. */
  readonly stats: () => ReadonlyMap<string, string | number>;
}

/** What to send, or that the connection ends. */
export type CommandReply = Buffer | 'close';

type Handler = (context: CommandContext, words: readonly string[], data: Buffer) => string | Buffer;

export const EMBEDDED_VERSION = '1.6.18-dashgate';
const NOTHING = Buffer.alloc(0);
const BAD_FORMAT = 'CLIENT_ERROR bad command line format';
const TOO_LARGE = 'SERVER_ERROR object too large for cache';
const UINT64 = 1n << 64n;

const FAULTS: Record<CommandFault, string> = {
  'bad format': BAD_FORMAT,
  'bad data': 'CLIENT_ERROR bad data chunk',
  'too large': TOO_LARGE,
  'missing argument': 'ERROR',
  'extra argument': 'ERROR',
};

const HANDLERS = new Map<string, Handler>([
  ['get', (context, words) => fetch(context, words.slice(1), false)],
  ['gets', (context, words) => fetch(context, words.slice(1), true)],
  ['gat', (context, words) => fetchAndTouch(context, words, false)],
  ['gats', (context, words) => fetchAndTouch(context, words, true)],
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
  ['flush_all', flush],
  ['verbosity', verbosity],
  ['stats', stats],
  ['version', () => `VERSION ${EMBEDDED_VERSION}`],
]);

/** Carries out one command; answers with memcached 1.6's own words, its error lines included. */
export function execute(context: CommandContext, command: Command): CommandReply {
  const [verb = '', key = ''] = command.words;
  if (verb === 'quit') return 'close';
  // memcached drops the old value as well when a new one does not fit, so that it is not served.
  const tooLarge =
    command.fault === 'too large' ||
    (command.data !== undefined && itemBytes(key, command.data.length) > MAX_ITEM_BYTES);
  if (tooLarge) {
    if (verb === 'set' || verb === 'ms') context.store.delete(key);
    return answer(command, TOO_LARGE);
  }
  if (command.fault !== undefined) return answer(command, FAULTS[command.fault]);
  if (/^m[a-z]$/.test(verb)) return metaCommand(context.store, command);
  const handler = HANDLERS.get(verb);
  if (handler === undefined) return line('ERROR');
  return answer(command, handler(context, command.words, command.data ?? NOTHING));
}

function answer({ words }: Command, reply: string | Buffer): Buffer {
  if (words.length > 1 && words.at(-1) === 'noreply') return NOTHING;
  return typeof reply === 'string' ? line(reply) : reply;
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1');
}

function fetch({ store }: CommandContext, keys: readonly string[], withCas: boolean) {
  if (keys.length === 0) return 'ERROR';
  if (keys.some((key) => key.length > MAX_KEY_BYTES)) return BAD_FORMAT;
  const parts: Buffer[] = [];
  for (const key of keys) {
    const item = store.get(key);
    if (item === undefined) continue;
    const cas = withCas ? ` ${item.cas}` : '';
    const head = line(`VALUE ${key} ${item.flags} ${item.value.length}${cas}`);
    parts.push(head, item.value, line(''));
  }
  return Buffer.concat([...parts, line('END')]);
}

function fetchAndTouch(context: CommandContext, words: readonly string[], withCas: boolean) {
  const [, time, ...keys] = words;
  if (time === undefined) return 'ERROR';
  const seconds = parseSeconds(time);
  if (seconds === undefined) return 'CLIENT_ERROR invalid exptime argument';
  if (keys.length === 0) return 'END';
  if (keys.some((key) => key.length > MAX_KEY_BYTES)) return BAD_FORMAT;
  // Read before the touch: a time to live that is past takes effect after the answer.
  const reply = fetch(context, keys, withCas);
  for (const key of keys) context.store.touch(key, context.store.expiry(seconds));
  return reply;
}

function store({ store }: CommandContext, words: readonly string[], data: Buffer): string {
  const [verb, key = '', flagsWord = '0', seconds = '0', , version = '0'] = words;
  const present = store.get(key);
  const flags = Number(BigInt.asUintN(32, BigInt(flagsWord)));
  const expiresAt = store.expiry(Number(seconds));
  switch (verb) {
    case 'add':
      if (present !== undefined) return 'NOT_STORED';
      break;
    case 'replace':
      if (present === undefined) return 'NOT_STORED';
      break;
    case 'cas':
      if (present === undefined) return 'NOT_FOUND';
      if (present.cas !== BigInt(version)) return 'EXISTS';
      break;
    case 'append':
    case 'prepend': {
      if (present === undefined) return 'NOT_STORED';
      const order = verb === 'append' ? [present.value, data] : [data, present.value];
      const joined = Buffer.concat(order);
      if (itemBytes(key, joined.length) > MAX_ITEM_BYTES) return TOO_LARGE;
      store.set(key, joined, present.flags, present.expiresAt);
      return 'STORED';
    }
  }
  store.set(key, data, flags, expiresAt);
  return 'STORED';
}

function remove({ store }: CommandContext, words: readonly string[]): string {
  const [, key, zero] = words;
  if (key === undefined) return 'ERROR';
  if (words.length > 4) return 'ERROR';
  if (zero !== undefined && zero !== '0' && zero !== 'noreply') {
    return `${BAD_FORMAT}.  Usage: delete <key> [noreply]`;
  }
  if (key.length > MAX_KEY_BYTES) return BAD_FORMAT;
  // An expired item is absent: `get` drops it.
  return store.get(key) !== undefined && store.delete(key) ? 'DELETED' : 'NOT_FOUND';
}

function touch({ store }: CommandContext, words: readonly string[]): string {
  const [, key, time] = words;
  if (key === undefined || time === undefined) return 'ERROR';
  if (key.length > MAX_KEY_BYTES) return BAD_FORMAT;
  const seconds = parseSeconds(time);
  if (seconds === undefined) return 'CLIENT_ERROR invalid exptime argument';
  return store.touch(key, store.expiry(seconds)) === undefined ? 'NOT_FOUND' : 'TOUCHED';
}

function count({ store }: CommandContext, words: readonly string[]): string {
  const [verb, key, by] = words;
  if (key === undefined || by === undefined) return 'ERROR';
  if (key.length > MAX_KEY_BYTES) return BAD_FORMAT;
  if (!/^\d{1,20}$/.test(by) || BigInt(by) >= UINT64) {
    return 'CLIENT_ERROR invalid numeric delta argument';
  }
  const item = store.get(key);
  if (item === undefined) return 'NOT_FOUND';
  const digits = /^(\d{1,20}) *$/.exec(item.value.toString('latin1'))?.[1];
  if (digits === undefined || BigInt(digits) >= UINT64) {
    return 'CLIENT_ERROR cannot increment or decrement non-numeric value';
  }
  const result =
    verb === 'incr'
      ? (BigInt(digits) + BigInt(by)) % UINT64
      : BigInt(digits) > BigInt(by)
        ? BigInt(digits) - BigInt(by)
        : 0n;
  // A number that became shorter keeps its length, padded with spaces.
  const padded = String(result).padEnd(item.value.length);
  store.set(key, Buffer.from(padded), item.flags, item.expiresAt);
  return String(result);
}

function flush({ store }: CommandContext, words: readonly string[]): string {
  const [, delay = '0'] = words;
  const seconds = delay === 'noreply' ? 0 : parseSeconds(delay);
  if (seconds === undefined) return 'CLIENT_ERROR invalid exptime argument';
  store.flush(seconds);
  return 'OK';
}

function verbosity(_context: CommandContext, words: readonly string[]): string {
  if (words.length < 2) return 'ERROR';
  return /^\d+$|^noreply$/.test(words[1]!) ? 'OK' : BAD_FORMAT;
}

function stats({ store, stats }: CommandContext, words: readonly string[]): string {
  if (words[1] === 'reset') return 'RESET';
  if (words.length > 1) return 'ERROR';
  const all = new Map([
    ...stats(),
    ['version', EMBEDDED_VERSION],
    ['curr_items', store.count],
    ['bytes', store.bytes],
    ['evictions', store.evictions],
  ]);
  return [...[...all].map(([name, value]) => `STAT ${name} ${value}`), 'END'].join('\r\n');
}

/** The seconds of a command, or undefined if that is no number. */
function parseSeconds(word: string): number | undefined {
  return /^-?\d{1,10}$/.test(word) ? Number(word) : undefined;
}
