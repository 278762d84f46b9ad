import { METHODS } from 'node:http';
import { Deviation } from '../../conformance/bell.ts';
import { readMessage } from '../../conformance/message.ts';
import { CHUNKED_BODIES, REFUSED_BODIES } from '../../support/relay-bodies.ts';
import { REQUESTS } from '../../support/relay-requests.ts';
import { RESPONSES } from '../../support/relay-responses.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';
import { HTTP_WORDS } from '../oracles/http-words.ts';
import {
  type LlhttpMessage,
  type LlhttpReading,
  LlhttpRequests,
  readResponsesByLlhttp,
} from '../oracles/llhttp.ts';
import {
  type ReadMessage,
  type ReadStream,
  readRequests,
  readResponses,
} from '../oracles/relay-streams.ts';
import { readInPieces } from '../oracles/splits.ts';

// The first octet of an input says which stream the rest is; it is a request's unless told otherwise.
const TO_GET = 'R';
const TO_HEAD = 'H';
const POST = 'QPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const OK = 'RHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const WORDS = ['0\r\n\r\n', '3\r\nabc\r\n', '0', 'a;b=c\r\n', 'ffffffff', '7fffffff', '000'];

export const target: Target = {
  oracle: 'llhttp; a reader to the letter of RFC 9112; itself, split',
  dictionary: [...HTTP_WORDS, ...WORDS],
  seeds: [
    ...[...CHUNKED_BODIES, ...REFUSED_BODIES].flatMap(([, text]) => [POST + text, OK + text]),
    ...REQUESTS.map(([, text]) => `Q${text}`),
    ...RESPONSES.map(([, method, text]) => (method === 'HEAD' ? TO_HEAD : TO_GET) + text),
  ],
  generate: generateStream,
  open() {
    const llhttp = new LlhttpRequests();
    return {
      async check(input, dice) {
        const kind = input.toString('latin1', 0, 1);
        const stream = Buffer.from(input.subarray(1));
        const isResponse = kind === TO_GET || kind === TO_HEAD;
        const method = kind === TO_HEAD ? 'HEAD' : 'GET';
        const ours = readInPieces(stream, dice, (chunks) =>
          isResponse ? readResponses(chunks, method) : readRequests(chunks),
        );
        if (ours.messages.length > 0) {
          const read = isResponse ? readResponsesByLlhttp(stream, method) : llhttp.read(stream);
          compare(ours, await read, stream.toString('latin1'));
          compareFirst(ours.messages[0]!, stream, isResponse, method);
        }
        const shapes = ours.messages.map(
          ({ chunked, body, whole }) => `${chunked} ${body !== ''} ${whole}`,
        );
        return `${isResponse} ${ours.end} ${shapes.slice(0, 4)}`;
      },
    };
  },
};

/** Messages that llhttp does not know, or of which it is no measure: RFC 9110 §9.1, §2.5. */
function isBeyondLlhttp({ startLine }: ReadMessage): boolean {
  const method = startLine.startsWith('HTTP/') ? undefined : startLine.split(' ')[0];
  return (
    (method !== undefined && !METHODS.includes(method)) ||
    // The gateway answers it itself, and ends the connection; to llhttp it has no body.
    method === 'CONNECT' ||
    / HTTP\/1\.[2-9]$|^HTTP\/1\.[2-9]/.test(startLine)
  );
}

/** llhttp has to read what we read, message by message, to where we refuse to go on. */
function compare({ messages }: ReadStream, theirs: LlhttpReading, stream: string): void {
  for (const [at, ours] of messages.entries()) {
    if (isBeyondLlhttp(ours)) return;
    // RFC 9112 §7.1.1: extensions are passed over; llhttp refuses blanks in them, and odd ones.
    if (ours.chunked && theirs.refused && hasOddExtension(stream)) return;
    // RFC 9110 §5.5: a tab behind a value is none of it. llhttp refuses it behind the coding.
    if (ours.chunked && /chunked[ \t]*\t/i.test(stream)) return;
    // llhttp takes a connection to end with an interim answer that says so; the final one follows.
    if (at > 0 && !messages[at - 1]!.keepAlive) return;
    const other = theirs.messages[at];
    const shown = `message ${at}, ${JSON.stringify(ours)} beside ${JSON.stringify(theirs)}`;
    if (!other) throw new Finding('llhttp refuses what we read', shown);
    const difference = differenceOf(ours, other, theirs.refused);
    if (difference !== undefined) throw new Finding(difference, shown);
  }
}

const EXTENSIONS = /^(?:;[!#-'*+.^`|~\w-]+(?:=(?:[!#-'*+.^`|~\w-]+|"(?:[^"\\]|\\.)*"))?)*$/;

function hasOddExtension(stream: string): boolean {
  return [...stream.matchAll(/\n[\da-f]+(;[^\r]*)/gi)].some(([, text]) => !EXTENSIONS.test(text!));
}

function differenceOf(
  ours: ReadMessage,
  theirs: LlhttpMessage,
  refused: boolean,
): string | undefined {
  const startLine = theirs.status ? String(theirs.status) : `${theirs.method} ${theirs.target}`;
  if (!ours.startLine.includes(startLine)) return 'llhttp reads another first line';
  if (JSON.stringify(ours.fields) !== JSON.stringify(theirs.fields)) {
    return 'llhttp reads other fields';
  }
  if (ours.whole && !theirs.whole) return 'llhttp sees no end where we do';
  if (ours.whole && ours.body !== theirs.body) return 'llhttp reads another body';
  // Where we stop within a body for what is wrong in it, llhttp may be less strict.
  if (!ours.whole && !ours.refused && !refused && theirs.whole) return 'llhttp sees an end alone';
  return undefined;
}

/** The reader of the conformance suite has to see the first message end where we do. */
function compareFirst(
  ours: ReadMessage,
  stream: Buffer,
  isResponse: boolean,
  method: string,
): void {
  const whole = stream.toString('latin1');
  if (!ours.whole || isBeyondTheLetter(ours, whole)) return;
  const text = whole.replace(/^(?:\r\n){0,4}/, isResponse ? '$&' : '');
  const kind = isResponse ? 'response' : 'request';
  try {
    const read = readMessage(text, kind, {
      over: 'ended',
      bodiless: method === 'HEAD' && isResponse,
    });
    const begun = stream.length - text.length;
    if (
      read?.message.complete &&
      read.message.body === ours.body &&
      read.length + begun === ours.end
    ) {
      return;
    }
    const shown = `${JSON.stringify(ours)} beside ${JSON.stringify(read)}`;
    throw new Finding('RFC 9112 has another end or body', shown);
  } catch (error) {
    if (!(error instanceof Deviation)) throw error;
    throw new Finding(
      'RFC 9112 forbids what we read',
      `${error.message} in ${JSON.stringify(ours)}`,
    );
  }
}

/** What the other reader refuses or passes by on purpose, each with the reason. */
function isBeyondTheLetter({ startLine, chunked }: ReadMessage, stream: string): boolean {
  return (
    // RFC 9110 §2.5: a higher minor version is read as the highest that is known.
    / HTTP\/1\.[2-9]$|^HTTP\/1\.[2-9]/.test(startLine) ||
    // RFC 9110 §15: a client has to understand the class of a status; there are odd ones about.
    /^HTTP\/\S+ [6-9]/.test(startLine) ||
    // RFC 9112 §4: the blank before an empty reason is left out by many.
    /^HTTP\/\S+ \d+ ?$/.test(startLine) ||
    // It counts up to 13 digits of a size, we 16, and none of them means more than it does.
    (chunked && /\n[\da-f]{14}/i.test(stream))
  );
}

/** Messages in the right order, with framings that mostly fit. */
function generateStream(dice: Dice): Buffer {
  const isResponse = dice.chance(0.4);
  const kind = isResponse ? dice.pick([TO_GET, TO_GET, TO_HEAD]) : 'Q';
  const count = 1 + dice.below(3);
  return Buffer.from(
    kind + Array.from({ length: count }, () => message(dice, isResponse)).join(''),
    'latin1',
  );
}

function message(dice: Dice, isResponse: boolean): string {
  const status = dice.pick(['200 OK', '200', '204 No Content', '304 Not Modified', '100 Continue']);
  const first = isResponse
    ? `HTTP/1.${dice.below(2)} ${status}\r\n`
    : `${dice.pick(['POST', 'GET', 'PUT'])} /${dice.below(9)} HTTP/1.1\r\nHost: a\r\n`;
  const lines = dice.chance(0.2)
    ? dice.pick(['Connection: close\r\n', 'A: b\r\n', 'Expect: 100-continue\r\n'])
    : '';
  const content = 'x\r\n0'.repeat(dice.below(4));
  if (dice.chance(0.3))
    return `${first + lines}Content-Length: ${content.length}\r\n\r\n${content}`;
  if (dice.chance(0.2)) return `${first + lines}\r\n${isResponse ? content : ''}`;
  return `${first + lines}Transfer-Encoding: chunked\r\n\r\n${chunks(dice)}`;
}

function chunks(dice: Dice): string {
  let text = '';
  for (let left = dice.below(4); left > 0; left -= 1) {
    const content = dice.pick(['a', 'GET / HTTP/1.1\r\n', '\r\n', '0\r\n\r\n', 'x'.repeat(17)]);
    const zeros = dice.pick(['', '', '', '0', '0'.repeat(14)]);
    const extension = dice.pick(['', '', ';a', ';a=b', ';a="b;\t c"', ';']);
    text += `${zeros}${content.length.toString(16)}${extension}\r\n${content}\r\n`;
  }
  const trailers = dice.pick(['', '', 'A: b\r\n', 'A:\r\nEtag: "x"\r\n', 'Host: a\r\n']);
  return `${text}${dice.pick(['0', '0', '000', '0;x'])}\r\n${trailers}\r\n`;
}
