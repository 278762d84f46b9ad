import { type Command, CommandParser } from '../../../src/memcached/command-parser.ts';
import { CONVERSATIONS, DIFFERENCES } from '../../contract/cache-door-conversations.ts';
import { withoutVersions } from '../../support/cache-door.ts';
import { NodeStore } from '../../support/cache-door-node.ts';
import { Cleanup } from '../../support/cleanup.ts';
import type { RunningMemcached } from '../../support/memcached.ts';
import { cut } from '../../support/splits.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';
import { DoorClient } from '../oracles/door-client.ts';
import { COMMAND_WORDS, generateCommands } from '../oracles/door-commands.ts';
import { differenceIn, isHttp, versionsIn } from '../oracles/door-differences.ts';
import { readByTheLetter, readReplies } from '../oracles/memcached-replies.ts';
import { answerTo, NODE_ITEM_BYTES, startNode } from '../oracles/memcached-server.ts';
import { readInPieces } from '../oracles/splits.ts';

const MAX_SEED_BYTES = 400;
const LINE_FEED = 0x0a;
const CRLF = Buffer.from('\r\n');
const LIMITS = { maxValueBytes: NODE_ITEM_BYTES, encoding: 'latin1' } as const;
/** Both sides forget what was, and tell which versions they are at. */
const BEGINNING = Buffer.from(
  'verbosity 0\r\nflush_all\r\nset v 0 0 0\r\n\r\ngets v\r\ndelete v noreply\r\n',
);
const BEGUN = /^OK\r\nOK\r\nSTORED\r\nVALUE v 0 0 (\d+)\r\n\r\nEND\r\n/;

interface Peers {
  readonly memcached: RunningMemcached;
  readonly door: DoorClient;
}

export const target: Target = {
  oracle: "memcached 1.6.18; itself, split; of its answers, a reader to protocol.txt's letter",
  dictionary: COMMAND_WORDS,
  // The contract test has all of them; some are enough to begin with.
  seeds: [...CONVERSATIONS.filter((_, n) => n % 5 === 0), ...DIFFERENCES]
    .map(({ sent }) => sent)
    .filter(({ length }) => length <= MAX_SEED_BYTES),
  generate: generateCommands,
  async open() {
    const cleanup = new Cleanup();
    const memcached = await startNode(cleanup);
    const behind = await startNode(cleanup);
    const store = await NodeStore.connect(cleanup, behind);
    const peers = { memcached, door: new DoorClient(store, NODE_ITEM_BYTES) };
    return {
      pids: [memcached.pid, behind.pid],
      check: (input, dice) => check(peers, input, dice),
      close: () => cleanup.run(),
    };
  },
};

async function check(peers: Peers, input: Buffer, dice: Dice): Promise<string> {
  const sent = input.at(-1) === LINE_FEED ? input : Buffer.concat([input, CRLF]);
  const { commands, partial } = readInPieces(sent, dice, readCommands);
  const difference = differenceIn(commands);
  const places = Array.from({ length: dice.below(4) }, () => dice.below(sent.length + 1));
  const answered = begun(await peers.door.answerTo([BEGINNING, ...cut(sent, places)]));
  // What such an input does to a node that is compared with later is nobody's concern either.
  if (difference !== undefined) return difference;
  const expected = begun(await answerTo(peers.memcached, Buffer.concat([BEGINNING, sent])));
  const named = versionsIn(commands);
  if ([answered, expected].some(({ version }) => named.some(isGivenSince(version, commands)))) {
    return 'names a version that one side gives';
  }
  // Where a client ends inside of a value, or speaks HTTP, memcached drops what has not left yet.
  const cutShort = partial || commands.some(isHttp);
  const [ours, theirs] = [withoutVersions(answered.text), withoutVersions(expected.text)];
  if (!isSame(cutShort ? asManyLines(ours, theirs) : ours, theirs)) {
    const shown = JSON.stringify([answered.text, expected.text]).slice(0, 600);
    throw new Finding('the door answers otherwise than memcached', shown);
  }
  checkReading(Buffer.from(expected.text, 'latin1'), dice);
  return words(expected.text);
}

/** The commands, and whether what was sent ends inside of the value of another. */
function readCommands(chunks: readonly Buffer[]): { commands: Command[]; partial: boolean } {
  const parser = new CommandParser({ maxValueBytes: NODE_ITEM_BYTES });
  const commands = chunks.flatMap((chunk) => [...parser.push(chunk)]);
  return { commands, partial: parser.partial };
}

/** What follows the beginning of an answer, and the last version that was given before. */
function begun(answer: Buffer): { text: string; version: bigint } {
  const text = answer.toString('latin1');
  const [beginning = '', version = '0'] = BEGUN.exec(text) ?? [];
  if (beginning === '') throw new Error(`a conversation begins with ${JSON.stringify(text)}`);
  return { text: text.slice(beginning.length), version: BigInt(version) };
}

/** Each command gives one version at most. */
function isGivenSince(version: bigint, commands: readonly Command[]): (named: bigint) => boolean {
  return (named) => named > version && named <= version + BigInt(commands.length) + 1n;
}

/** The first lines of a text, as many as another one has. */
function asManyLines(text: string, other: string): string {
  const count = other.split('\n').length - 1;
  return [...text.split('\n').slice(0, count), ''].join('\n');
}

/** The seconds that are left of an item may differ by the one that has just begun. */
function isSame(one: string, other: string): boolean {
  if (one === other) return true;
  const [lines, others] = [one.split('\n'), other.split('\n')];
  return lines.length === others.length && lines.every((line, i) => isSameLine(line, others[i]!));
}

function isSameLine(one: string, other: string): boolean {
  if (one === other) return true;
  if (!/^(?:HD|VA) /.test(one)) return false;
  const [words, others] = [one.trimEnd().split(' '), other.trimEnd().split(' ')];
  return words.length === others.length && words.every((word, i) => isSameWord(word, others[i]!));
}

function isSameWord(one: string, other: string): boolean {
  if (one === other) return true;
  const seconds = /^([tl])(\d+)$/;
  const [, kind, left] = seconds.exec(one) ?? [];
  const [, otherKind, otherLeft] = seconds.exec(other) ?? [];
  if (kind === undefined || kind !== otherKind) return false;
  return Math.abs(Number(left) - Number(otherLeft)) <= 1;
}

/** What real memcached writes is never malformed to our client. */
function checkReading(answer: Buffer, dice: Dice): void {
  const read = readInPieces(answer, dice, (chunks) => readReplies(chunks, LIMITS));
  const expected = JSON.stringify(readByTheLetter(answer, LIMITS));
  if (read.malformed || JSON.stringify(read) !== expected) {
    throw new Finding('our client reads memcached otherwise', JSON.stringify([read, expected]));
  }
}

/** What kinds of answers there were, in order. */
function words(answer: string): string {
  const kinds = answer.match(/^(?:[A-Z]+_?)+[^\r]{0,40}|^\d+/gm) ?? [];
  return kinds
    .map((kind) => kind.replaceAll(/\d+|(?<= ).$/g, '#'))
    .slice(0, 6)
    .join();
}
