import { readInt32, readUint32, readUint64 } from '../memcached/command-numbers.ts';
import type { MetaAnswer, MetaCommand } from './cache-store.ts';

/** A meta command whose flags are understood. */
export interface MetaRequest {
  /** Without its value. */
  readonly command: MetaCommand;
  /** Leave out the answer that says only that all went well. */
  readonly quiet: boolean;
  /** The words of its flags as the client sent them. */
  readonly words: readonly string[];
  /** The key as the client sent it. */
  readonly keyWord: string;
}

/** What is wrong with a meta command: the line to answer with. */
export interface MetaFault {
  readonly fault: string;
}

/** Which flags a node decides on, by verb. */
const DECIDED = { mg: 'cfhlstuvNRT', ms: 'cCFIMT', md: 'CIT' } as const;
/** All flags that memcached 1.6.18 knows of any meta command. */
const KNOWN = /^[bcfhklqstuvCDFIJLMNOPRT]/;
const MODES = /^M[EAPRS]$/;
/** Most words of a command, its verb included (`MFLAG_MAX_OPT_LENGTH`). */
const MAX_WORDS = 19;
const MAX_OPAQUE_LENGTH = 32;
const BAD_FORMAT = 'CLIENT_ERROR bad command line format';

/**
 * Reads the words of `mg`, `ms` or `md` as memcached 1.6.18 does (`_meta_flag_preparse`), so that
 * no node is ever sent what it would refuse. Its key is plain, whether it came in base64 or not.
 */
export function readMeta(
  verb: MetaCommand['verb'],
  allWords: readonly string[],
): MetaRequest | MetaFault {
  const [, keyWord = ''] = allWords;
  const words = allWords.slice(verb === 'ms' ? 3 : 2);
  if (verb !== 'ms' && allWords.length > MAX_WORDS) {
    return { fault: `CLIENT_ERROR options flags ${verb === 'mg' ? 'are ' : ''}too long` };
  }
  const binary = words.some((word) => word[0] === 'b');
  const key = binary ? fromBase64(keyWord) : keyWord;
  const fault = faultOf(words, key);
  if (fault !== undefined) {
    return { fault: verb === 'md' ? 'CLIENT_ERROR invalid or duplicate flag' : fault };
  }
  const mode = words.find((word) => word[0] === 'M');
  if (verb === 'ms' && mode !== undefined && !MODES.test(mode)) {
    return { fault: 'CLIENT_ERROR invalid mode for ms M token' };
  }
  if (words.some((word) => word[0] === 'O' && word.length > MAX_OPAQUE_LENGTH)) {
    return { fault: 'CLIENT_ERROR opaque token too long' };
  }
  const flags = words.filter((word) => DECIDED[verb].includes(word[0]!)).map(normalized);
  const quiet = words.some((word) => word[0] === 'q');
  return { command: { verb, key: key!, flags }, quiet, words, keyWord };
}

/** The client's line: the node's, with what the door kept to itself put back where it belongs. */
export function metaLine(request: MetaRequest, answer: MetaAnswer): string {
  const [code = '', ...rest] = answer.line.split(' ');
  const parts = [code];
  if (answer.value !== undefined) parts.push(rest.shift()!);
  for (const word of request.words) {
    const flag = word[0]!;
    if (flag === 'O') parts.push(word);
    else if (flag === 'k') parts.push(...keyFields(request));
    else if (rest[0]?.[0] === flag) parts.push(rest.shift()!);
  }
  // What a node adds unasked: that the item is stale, or who is to renew it.
  return [...parts, ...rest].join(' ');
}

function keyFields({ words, keyWord }: MetaRequest): readonly string[] {
  return words.some((word) => word[0] === 'b') ? [`k${keyWord}`, 'b'] : [`k${keyWord}`];
}

/** The last fault counts, but for a flag that is unknown or comes again. */
function faultOf(words: readonly string[], key: string | undefined): string | undefined {
  const seen = new Set<string>();
  let fault: string | undefined;
  for (const word of words) {
    const flag = word[0]!;
    if (seen.has(flag) || flag >= '\x7f') return 'CLIENT_ERROR duplicate flag';
    seen.add(flag);
    if (!KNOWN.test(flag)) return 'CLIENT_ERROR invalid flag';
    fault = argumentFault(flag, word.slice(1), key, fault) ?? fault;
  }
  return fault;
}

function argumentFault(
  flag: string,
  argument: string,
  key: string | undefined,
  before: string | undefined,
): string | undefined {
  const badToken = 'CLIENT_ERROR bad token in command line format';
  switch (flag) {
    case 'b':
      return key === undefined ? 'CLIENT_ERROR error decoding key' : undefined;
    case 'N':
    case 'T':
    case 'R':
      return readInt32(argument) === undefined ? badToken : undefined;
    case 'C':
      return readUint64(argument) === undefined ? badToken : undefined;
    case 'F':
      return readUint32(argument) === undefined ? (before ?? BAD_FORMAT) : undefined;
    case 'M':
      return argument.length === 1 ? undefined : 'CLIENT_ERROR incorrect length for M token';
    case 'J':
      return readUint64(argument) === undefined
        ? 'CLIENT_ERROR invalid numeric initial value'
        : undefined;
    case 'D':
      return readUint64(argument) === undefined
        ? 'CLIENT_ERROR invalid numeric delta value'
        : undefined;
    default:
      return undefined;
  }
}

/** A flag as every node reads it: numbers within their range, and no argument where none belongs. */
function normalized(word: string): string {
  const flag = word[0]!;
  const argument = word.slice(1);
  if ('NTR'.includes(flag)) return `${flag}${readInt32(argument)}`;
  if (flag === 'F') return `F${readUint32(argument)}`;
  if (flag === 'C') return `C${readUint64(argument)}`;
  return flag === 'M' ? word : flag;
}

function fromBase64(word: string): string | undefined {
  const bytes = Buffer.from(word, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === word
    ? bytes.toString('latin1')
    : undefined;
}
