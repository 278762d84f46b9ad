import type { Command } from '../memcached/command-parser.ts';
import { MAX_KEY_BYTES } from '../memcached/protocol.ts';
import { type ItemStore, itemBytes, MAX_ITEM_BYTES, type StoredItem } from './item-store.ts';

/** A meta command: its key, and its flags by letter with what follows each. */
interface MetaCommand {
  readonly key: string;
  readonly flags: ReadonlyMap<string, string>;
  readonly data: Buffer | undefined;
}

const NOTHING = Buffer.alloc(0);
const BAD_FORMAT = 'CLIENT_ERROR bad command line format';
const TOO_LARGE = 'SERVER_ERROR object too large for cache';
const FLAGS_OF = { mg: 'cfkqstvOT', ms: 'ckqCFMOT', md: 'kqCO' } as const;
/** Flags that a number follows. */
const NUMERIC = 'CFT';
const MODES = new Map<string, 'set' | 'add' | 'replace' | 'append' | 'prepend'>([
  ['S', 'set'],
  ['SET', 'set'],
  ['E', 'add'],
  ['ADD', 'add'],
  ['R', 'replace'],
  ['REPLACE', 'replace'],
  ['A', 'append'],
  ['APPEND', 'append'],
  ['P', 'prepend'],
  ['PREPEND', 'prepend'],
]);

/**
 * Carries out a meta command (`protocol.txt`, "Meta commands"): get, set, delete and the no-op,
 * with the flags that concern value, flags, version, time, key, opaque and quiet mode. The rest
 * (stampedes, base64 keys, arithmetic, debugging) is answered as a memcached that lacks it does.
 */
export function metaCommand(store: ItemStore, { words, data }: Command): Buffer {
  const [verb, key] = words;
  if (verb === 'mn') return line('MN');
  if (verb !== 'mg' && verb !== 'ms' && verb !== 'md') return line('ERROR');
  if (key === undefined) return line('ERROR');
  if (key.length > MAX_KEY_BYTES) return line(BAD_FORMAT);

  const flags = new Map(
    words.slice(verb === 'ms' ? 3 : 2).map((word) => [word[0]!, word.slice(1)]),
  );
  for (const [flag, argument] of flags) {
    if (!FLAGS_OF[verb].includes(flag)) return line('CLIENT_ERROR invalid flag');
    if (NUMERIC.includes(flag) && !/^-?\d{1,20}$/.test(argument)) {
      return line('CLIENT_ERROR bad token in command line format');
    }
  }
  const command = { key, flags, data };
  if (verb === 'mg') return metaGet(store, command);
  if (verb === 'ms') return metaSet(store, command);
  return metaDelete(store, command);
}

function metaGet(store: ItemStore, command: MetaCommand): Buffer {
  const { key, flags } = command;
  const time = flags.get('T');
  const item = time === undefined ? store.get(key) : store.touch(key, store.expiry(Number(time)));
  if (item === undefined) return flags.has('q') ? NOTHING : line(`EN${returned(command)}`);
  const fields = returned(command, item, store.secondsLeft(item));
  if (!flags.has('v')) return line(`HD${fields}`);
  return Buffer.concat([line(`VA ${item.value.length}${fields}`), item.value, line('')]);
}

function metaSet(store: ItemStore, command: MetaCommand): Buffer {
  const { key, flags, data = NOTHING } = command;
  const mode = MODES.get((flags.get('M') ?? 'S').toUpperCase());
  if (mode === undefined) return line('CLIENT_ERROR invalid mode for ms M token');

  const present = store.get(key);
  const conflict = conflictOf(command, present);
  if (conflict !== undefined) return status(conflict, command);
  if (mode === 'set' || (mode === 'add' && !present) || (mode === 'replace' && present)) {
    const expiresAt = store.expiry(Number(flags.get('T') ?? 0));
    const clientFlags = Number(flags.get('F') ?? 0);
    return status('HD', command, store.set(key, data, clientFlags, expiresAt));
  }
  if (present === undefined || mode === 'add') return status('NS', command);
  const joined = Buffer.concat(mode === 'append' ? [present.value, data] : [data, present.value]);
  if (itemBytes(key, joined.length) > MAX_ITEM_BYTES) return line(TOO_LARGE);
  return status('HD', command, store.set(key, joined, present.flags, present.expiresAt));
}

function metaDelete(store: ItemStore, command: MetaCommand): Buffer {
  const present = store.get(command.key);
  if (present === undefined) return status('NF', command);
  const conflict = conflictOf(command, present);
  if (conflict !== undefined) return status(conflict, command);
  store.delete(command.key);
  return status('HD', command);
}

/** Why an item is not of the version that the command wants. */
function conflictOf({ flags }: MetaCommand, present: StoredItem | undefined) {
  const version = flags.get('C');
  if (version === undefined) return undefined;
  if (present === undefined) return 'NF';
  return present.cas === BigInt(version) ? undefined : 'EX';
}

/** A status line; quiet mode leaves out success. */
function status(code: string, command: MetaCommand, item?: StoredItem): Buffer {
  if (code === 'HD' && command.flags.has('q')) return NOTHING;
  return line(`${code}${returned(command, item)}`);
}

/** What the flags ask to be told, in the order asked. */
function returned({ key, flags }: MetaCommand, item?: StoredItem, secondsLeft = -1): string {
  let fields = '';
  for (const [flag, argument] of flags) {
    if (flag === 'O') fields += ` O${argument}`;
    else if (flag === 'k') fields += ` k${key}`;
    else if (item === undefined) continue;
    else if (flag === 'c') fields += ` c${item.cas}`;
    else if (flag === 'f') fields += ` f${item.flags}`;
    else if (flag === 's') fields += ` s${item.value.length}`;
    else if (flag === 't') fields += ` t${secondsLeft}`;
  }
  return fields;
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1');
}
