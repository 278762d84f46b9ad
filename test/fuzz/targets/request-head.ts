import { METHODS } from 'node:http';
import { DEFAULT_HEAD_LIMITS } from '../../../src/relay/head.ts';
import { readRequest } from '../../support/relay-outcomes.ts';
import { REFUSED_REQUESTS, REQUESTS } from '../../support/relay-requests.ts';
import { Finding, type Target } from '../engine/target.ts';
import { checkBounds, type DescribedHead, headOf, inAWord, rawFields } from '../oracles/head.ts';
import { HTTP_WORDS } from '../oracles/http-words.ts';
import { LlhttpRequests } from '../oracles/llhttp.ts';
import { readInPieces } from '../oracles/splits.ts';

interface RequestHead extends DescribedHead {
  readonly method: string;
  readonly target: string;
}

/** The request line as it was sent, after its empty lines. */
const LINE = /^(?:\r\n)*(\S+) (\S+) HTTP\/1\.(\d)\r\n/;

/** Where llhttp is no measure, each with the reason. */
const BEYOND_LLHTTP: Record<string, (method: string, minor: string) => boolean> = {
  // RFC 9110 §9.1: any token is a method; llhttp knows those of a list.
  'a method of its own': (method) => !METHODS.includes(method),
  // RFC 9110 §2.5: a higher minor version is read as the highest that is known.
  'a later HTTP/1': (_, minor) => minor > '1',
};

export const target: Target = {
  oracle: 'llhttp; itself, split',
  dictionary: HTTP_WORDS,
  seeds: [...REQUESTS, ...REFUSED_REQUESTS].map(([, text]) => text),
  maxBytes: 40_000,
  open() {
    const llhttp = new LlhttpRequests();
    return {
      async check(input, dice) {
        const outcome = readInPieces(input, dice, readRequest);
        checkBounds(input, outcome, DEFAULT_HEAD_LIMITS);
        const head = headOf<RequestHead>(outcome);
        if (head) await compare(llhttp, head);
        return inAWord(outcome);
      },
    };
  },
};

async function compare(llhttp: LlhttpRequests, head: RequestHead): Promise<void> {
  const [, method = '', form = '', minor = ''] = LINE.exec(head.text) ?? [];
  if (Object.values(BEYOND_LLHTTP).some((isBeyond) => isBeyond(method, minor))) return;
  const { messages } = await llhttp.read(Buffer.from(head.text, 'latin1'));
  const shown = JSON.stringify(head.text.slice(0, 300));
  const [theirs] = messages;
  if (!theirs || messages.length > 1) throw new Finding('llhttp refuses what we read', shown);
  const read = [theirs.method, theirs.target, ...theirs.fields];
  const expected = [head.method, form, ...rawFields(head)];
  if (JSON.stringify(read) !== JSON.stringify(expected)) {
    throw new Finding('llhttp reads another request', `${JSON.stringify(read)} in ${shown}`);
  }
  if (form.startsWith('/') && head.target !== form) throw new Finding('a target changes', shown);
}
