import { readInt32, readUint64 } from '../../../src/memcached/command-numbers.ts';
import type { Command } from '../../../src/memcached/command-parser.ts';
import { NODE_ITEM_BYTES } from './memcached-server.ts';

const STORAGE = new Set(['set', 'add', 'replace', 'append', 'prepend', 'cas']);
const META = new Set(['mg', 'ms', 'md']);
const FETCHES = new Set(['get', 'gets', 'gat', 'gats']);
const KEYED = new Set([...STORAGE, ...META, ...FETCHES, 'delete', 'touch', 'incr', 'decr']);
/** What administers one node, or is not of the protocol any more. */
const NOT_SERVED = new Set([
  ...['bget', 'me', 'ma', 'slabs', 'lru', 'lru_crawler', 'cache_memlimit', 'watch', 'extstore'],
  ...['misbehave', 'refresh_certs', 'debugtime'],
]);
/** Subjects of `stats` of which each tells what it is itself. */
const OWN_FIGURES = new Set([
  ...[undefined, 'settings', 'items', 'slabs', 'sizes', 'conns', 'detail', 'cachedump', 'threads'],
  ...['sizes_enable', 'sizes_disable', 'extstore'],
]);
/** Longer than a conversation takes, in seconds. */
const CONVERSATION_SECONDS = 5;

const OTHER_VERBS = ['mn', 'flush_all', 'verbosity', 'stats', 'version', 'shutdown', 'quit'];
const VERBS = new Set([...KEYED, ...OTHER_VERBS]);

type Differs = (command: Command) => boolean;

/** Where the door differs from memcached 1.6.18 on purpose, or has figures of its own: by what is sent. */
const DIFFERENCES: Readonly<Record<string, Differs>> = {
  // `process_get_command_err` drops what was answered and has not left.
  'memcached forgets answers when a key is too long': ({ words }) =>
    FETCHES.has(words[0]!) && words.some((word) => word.length > 250),
  // protocol.txt rules them out of keys; memcached takes them, and passes over them behind numbers.
  'control bytes in a key or number': ({ words }) =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    VERBS.has(words[0]!) && words.slice(1).some((word) => /[\x00-\x1f\x7f]/.test(word)),
  // It is the end of a string of C.
  'memcached ends a line at a NUL': ({ words }) => words.some((word) => word.includes('\0')),
  // `safe_strtol` into an int32_t, with a sign.
  'memcached cuts lengths to 32 bits, and takes a plus': ({ words }) => {
    const length = words[words[0] === 'ms' ? 2 : 4] ?? '';
    if (words[0] !== 'ms' && !STORAGE.has(words[0]!)) return false;
    return length.startsWith('+') || (/^-?\d{10,20}$/.test(length) && !isInt32(length));
  },
  // strtoull takes it, and what comes of it is refused only where it is beyond 2^63.
  'memcached takes a minus before some numbers without a sign': ({ words }) =>
    VERBS.has(words[0]!) && words.slice(1).some((word) => /^[A-Z]?-(?:0+|\d{19,20})$/.test(word)),
  // It counts the key and its own book-keeping in, and says so before it looks how the value ends.
  'memcached finds a value too large that the door finds malformed': ({ words, fault }) =>
    fault === 'bad data' && Number(words[words[0] === 'ms' ? 2 : 4]) > NODE_ITEM_BYTES - 350,
  'a command that is not served': ({ words }) => NOT_SERVED.has(words[0]!),
  'figures of a node': ({ words }) => words[0] === 'stats' && OWN_FIGURES.has(words[1]),
  // As its item was written, not as it was asked for; blanks in it; what is no base64 in it.
  'a key in base64': ({ words }) =>
    META.has(words[0]!) && words.slice(2).some((word) => word[0] === 'b'),
  // memcached knows two of its methods; here whatever ends so is one, that no body is read as commands.
  'what is no command, and ends as a request line of HTTP does': (command) =>
    endsAsHttp(command) && !isHttp(command),
  // The door asks for each key once, however often it is named.
  'gat ends an item, and asks for it again': ({ words: [verb = '', time = '', ...keys] }) =>
    /^gats?$/.test(verb) && isPast(readInt32(time)) && new Set(keys).size < keys.length,
  'a delayed flush_all': ({ words }) => words[0] === 'flush_all' && Number(words[1]) > 0,
};

/**
 * Where what memcached answers does not follow from what is sent: the clocks of two of them do not tick
 * together, and memory has what it had.
 */
const CHANCES: Readonly<Record<string, (commands: readonly Command[]) => boolean>> = {
  // strtoull passes over blanks, those behind the value as well, and goes on in what lies there.
  'memcached counts on beyond a value of blanks': (commands) =>
    commands.some(({ words }) => words[0] === 'incr' || words[0] === 'decr') &&
    commands.some(({ data }) => data !== undefined && /^[\t-\r ]*$/.test(data.toString('latin1'))),
  'an item ends within the conversation': (commands) =>
    commands.flatMap(timesOf).some((time) => time > 0 && time <= CONVERSATION_SECONDS),
  'an item ends about now': (commands) => {
    const now = Date.now() / 1000;
    return commands.flatMap(timesOf).some((time) => Math.abs(time - now) < 60);
  },
  'whether an item is renewed depends on the second': (commands) => {
    const times = commands.flatMap(timesOf);
    const limits = commands.flatMap(({ words }) => argumentsOf(words, 'R'));
    return limits.some((limit) =>
      times.some((time) => Math.abs(time - limit) <= CONVERSATION_SECONDS),
    );
  },
};

/** Why the answers to some commands cannot be compared; undefined where they can. */
export function differenceIn(commands: readonly Command[]): string | undefined {
  const difference = Object.entries(DIFFERENCES).find(([, differs]) => commands.some(differs));
  const chance = Object.entries(CHANCES).find(([, decides]) => decides(commands));
  return (difference ?? chance)?.[0];
}

/** Whether a command is a request of HTTP, at which memcached ends the connection as well. */
export function isHttp(command: Command): boolean {
  return endsAsHttp(command) && /^(?:GET|POST)$/.test(command.words[0] ?? '');
}

function endsAsHttp({ words }: Command): boolean {
  return (words.at(-1) ?? '').startsWith('HTTP/') && !VERBS.has(words[0]!);
}

/** The versions that commands name. */
export function versionsIn(commands: readonly Command[]): bigint[] {
  return commands.flatMap(({ words }) => {
    const named = words[0] === 'cas' ? [words[5] ?? ''] : [];
    const meta = META.has(words[0]!) ? words.slice(2).filter((word) => word[0] === 'C') : [];
    return [...named, ...meta.map((word) => word.slice(1))].flatMap(
      (word) => readUint64(word) ?? [],
    );
  });
}

/** The times to live that a command gives. */
function timesOf({ words }: Command): number[] {
  const [verb = '', first = '', second = '', third = ''] = words;
  if (STORAGE.has(verb)) return numbersOf([third]);
  if (verb === 'touch') return numbersOf([second]);
  if (verb === 'gat' || verb === 'gats') return numbersOf([first]);
  return [...argumentsOf(words, 'T'), ...argumentsOf(words, 'N')];
}

function argumentsOf(words: readonly string[], flag: string): number[] {
  if (!META.has(words[0]!)) return [];
  const flags = words.slice(2).filter((word) => word[0] === flag);
  return numbersOf(flags.map((word) => word.slice(1)));
}

function numbersOf(words: readonly string[]): number[] {
  return words.flatMap((word) => readInt32(word) ?? []);
}

/** Whether a time to live is over at once. */
function isPast(time = 0): boolean {
  const longest = 30 * 24 * 60 * 60;
  return time < 0 || (time > longest && time < Date.now() / 1000);
}

function isInt32(word: string): boolean {
  const number = BigInt(word);
  return BigInt.asIntN(32, number) === number;
}
