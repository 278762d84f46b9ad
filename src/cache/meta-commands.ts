import { isByteKey } from '../memcached/byte-requests.ts';
import { ProtocolError } from '../memcached/client.ts';
import { isOwnKey } from '../memcached/own-keys.ts';
import type { CacheNode } from './cache-node.ts';
import type { MetaAnswer, MetaCommand } from './cache-store.ts';
import { decodeToken, encodeToken, isOfEpoch } from './cas-token.ts';
import { isOver } from './exptime.ts';
import type { Follower } from './follower.ts';
import type { Place } from './place.ts';
import { PLACEHOLDER } from './placeholder.ts';
import type { Reader } from './reader.ts';
import type { Replicas } from './replicas.ts';
import type { Entry } from './view-document.ts';
import type { Writer } from './writer.ts';

const NO_STORE: MetaAnswer = { line: 'NS' };
const END: MetaAnswer = { line: 'EN' };
/** Flags of `mg` that write: touch, vivify, win the recaching. */
const WRITING = /^[TNR]/;
/** Modes of `ms` (the first letter of its M flag) that only store what the command brings. */
const PLAIN_MODES = new Set(['S', undefined]);
const JOINING_MODES = new Set(['A', 'P']);

/**
 * The meta commands (protocol.txt, "Meta Commands") on several owners: an owner answers, and what it
 * did is passed on. Versions in them are tokens of the cache, as those of `gets` are.
 */
export class MetaCommands {
  readonly #replicas: Replicas;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #follower: Follower;

  constructor(replicas: Replicas, reader: Reader, writer: Writer, follower: Follower) {
    this.#replicas = replicas;
    this.#reader = reader;
    this.#writer = writer;
    this.#follower = follower;
  }

  /** Rejects with ProtocolError for keys that other commands could not name. */
  async run(command: MetaCommand): Promise<MetaAnswer> {
    const { key } = command;
    if (!isByteKey(key) || isOwnKey(key)) throw refusedKey();
    if (command.verb === 'md') return this.#delete(key, command);
    if (command.verb === 'ms') return this.#store(key, command);
    return command.flags.some((flag) => WRITING.test(flag))
      ? this.#getAndWrite(key, command)
      : this.#get(key, command);
  }

  async #get(key: string, command: MetaCommand): Promise<MetaAnswer> {
    const found = await this.#reader.read(key, async ({ node }) => {
      const answer = await node.meta(command);
      return isMiss(answer) ? undefined : answer;
    });
    return found === undefined ? END : withToken(found.answer, found.place, found.entry);
  }

  /** A get that also touches, vivifies or wins: decided by one owner, repeated on the others. */
  async #getAndWrite(key: string, command: MetaCommand): Promise<MetaAnswer> {
    const owners = () => this.#replicas.ownersOf(key).all;
    const decision = await this.#writer.decide(key, async ({ node }) => {
      const answer = await node.meta(command);
      return isMiss(answer) ? undefined : answer;
    });
    if (decision === undefined) return END;
    await this.#writer.apply({
      owners,
      // An empty item is made, or is to be filled, once: where another owner has none, none is missed.
      run: ({ node }) => node.meta({ ...command, flags: withoutVivifying(command.flags) }),
      final: this.#isExpiring(command.flags),
      applied: decision.applied,
    });
    return withToken(decision.answer, decision.place, decision.applied.get(decision.place)!);
  }

  async #delete(key: string, command: MetaCommand): Promise<MetaAnswer> {
    const owners = () => this.#replicas.ownersOf(key).all;
    let done: MetaAnswer | undefined;
    // Where it has to be done twice, the first time tells.
    const run = async ({ node }: Place) => {
      const answer = await node.meta({ ...command, flags: withoutVersions(command.flags) });
      if (answer.line.startsWith('HD')) done = answer;
      return answer;
    };
    const token = versionFlag(command.flags);
    if (token === undefined) {
      const answers = await this.#writer.apply({ owners, run, final: true });
      return done ?? first(answers.values());
    }
    const decision = await this.#decideByToken(key, command, token);
    if (decision === undefined || decision.answer.line.startsWith('NF')) {
      return this.#otherVersion(key, command);
    }
    if (!decision.answer.line.startsWith('HD')) return decision.answer;
    await this.#writer.apply({ owners, run, final: true, applied: decision.applied });
    return decision.answer;
  }

  async #store(key: string, command: MetaCommand): Promise<MetaAnswer> {
    const owners = () => this.#replicas.ownersOf(key).all;
    const mode = command.flags.find((flag) => flag.startsWith('M'))?.[1];
    const token = versionFlag(command.flags);
    const plain: MetaCommand = { ...command, flags: withoutMode(withoutVersions(command.flags)) };
    if (token === undefined && PLAIN_MODES.has(mode)) {
      const asked = new Map<CacheNode, { place: Place; entry: Entry }>();
      const run = (place: Place, entry: Entry) => {
        asked.set(place.node, { place, entry });
        return place.node.meta(command);
      };
      const final = this.#isExpiring(command.flags);
      const answers = await this.#writer.apply({ owners, run, final });
      const node = owners().find((owner) => answers.has(owner.node))?.node ?? first(answers.keys());
      const { place, entry } = asked.get(node)!;
      return withToken(answers.get(node)!, place, entry);
    }
    const decision =
      token === undefined
        ? await this.#writer.decide(key, async ({ node }) => {
            const answer = await node.meta(command);
            // Only `add` is refused by an item that is there.
            return answer.line.startsWith('NS') && mode !== 'E' ? undefined : answer;
          })
        : await this.#decideByToken(key, command, token);
    if (decision === undefined) {
      return token === undefined ? NO_STORE : this.#otherVersion(key, command);
    }
    if (!decision.answer.line.startsWith('HD')) return decision.answer;
    // Where the item is not, it may have been deleted since: only `add` brings one there.
    const again: MetaCommand = JOINING_MODES.has(mode ?? '')
      ? { ...command, flags: withoutVersions(command.flags) }
      : { ...plain, flags: [...plain.flags, 'MR'] };
    await this.#writer.apply<unknown>({
      owners,
      run: async (place, entry) => {
        if (mode === 'E') return place.node.meta(plain);
        if (entry.state !== 'refilling') await place.node.meta(again);
        return this.#follower.align(key, place, entry, decision.place.node);
      },
      final: false,
      applied: decision.applied,
    });
    return withToken(decision.answer, decision.place, decision.applied.get(decision.place)!);
  }

  /** The answer for a version that no full owner has counted. */
  async #otherVersion(key: string, { verb, flags }: MetaCommand): Promise<MetaAnswer> {
    const code = (await this.#reader.get(key)) === undefined ? 'NF' : 'EX';
    // memcached answers a store that failed with the version 0.
    return { line: verb === 'ms' && flags.includes('c') ? `${code} c0` : code };
  }

  #isExpiring(flags: readonly string[]): boolean {
    const exptime = flags.find((flag) => flag.startsWith('T'))?.slice(1);
    return exptime !== undefined && isOver(Number(exptime), this.#replicas.clock.unixMs());
  }

  /** The node that counted the version decides, while it is full in the epoch that it was in. */
  #decideByToken(key: string, command: MetaCommand, text: string) {
    const token = decodeToken(BigInt(text));
    const flags = command.flags.map((flag) => (/^C\d/.test(flag) ? `C${token.version}` : flag));
    return this.#writer.decide(key, async ({ node, mark }, entry) =>
      mark === token.mark && isOfEpoch(token, entry.epoch)
        ? node.meta({ ...command, flags })
        : undefined,
    );
  }
}

function refusedKey(): ProtocolError {
  const line = 'CLIENT_ERROR the cache keeps no items under such a key';
  return new ProtocolError('(the cache)', line, line);
}

function isMiss({ line, value }: MetaAnswer): boolean {
  return line.startsWith('EN') || (value?.equals(PLACEHOLDER) ?? false);
}

function versionFlag(flags: readonly string[]): string | undefined {
  return flags.find((flag) => /^C\d{1,20}$/.test(flag))?.slice(1);
}

function withoutVersions(flags: readonly string[]): readonly string[] {
  return flags.filter((flag) => !/^C\d/.test(flag));
}

function withoutVivifying(flags: readonly string[]): readonly string[] {
  return flags.filter((flag) => !/^[NR]/.test(flag));
}

function withoutMode(flags: readonly string[]): readonly string[] {
  return flags.filter((flag) => !/^[MI]/.test(flag));
}

/** The answer with the node's version, where it gives one, made a token of the cache. */
function withToken(answer: MetaAnswer, { mark }: Place, entry: Entry): MetaAnswer {
  if (!/ c\d/.test(answer.line)) return answer;
  const line = answer.line.replace(
    / c(\d{1,20})(?= |$)/,
    (_, version) => ` c${encodeToken({ mark, epoch: entry.epoch, version: BigInt(version) })}`,
  );
  return { ...answer, line };
}

function first<T>([value]: Iterable<T>): T {
  return value!;
}
