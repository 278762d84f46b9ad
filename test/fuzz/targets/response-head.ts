import { DEFAULT_HEAD_LIMITS } from '../../../src/relay/head.ts';
import { readResponse } from '../../support/relay-outcomes.ts';
import { REFUSED_RESPONSES, RESPONSES } from '../../support/relay-responses.ts';
import { Finding, type Target } from '../engine/target.ts';
import { checkBounds, type DescribedHead, headOf, inAWord, rawFields } from '../oracles/head.ts';
import { HTTP_WORDS } from '../oracles/http-words.ts';
import { readResponsesByLlhttp } from '../oracles/llhttp.ts';
import { readInPieces } from '../oracles/splits.ts';

interface ResponseHead extends DescribedHead {
  readonly status: number;
}

export const target: Target = {
  oracle: 'llhttp; itself, split',
  dictionary: HTTP_WORDS,
  seeds: [...RESPONSES.map(([, , text]) => text), ...REFUSED_RESPONSES.map(([, text]) => text)],
  maxBytes: 40_000,
  open() {
    return {
      async check(input, dice) {
        const method = dice.chance(0.2) ? 'HEAD' : 'GET';
        const outcome = readInPieces(input, dice, readResponse(method));
        checkBounds(input, outcome, DEFAULT_HEAD_LIMITS);
        const head = headOf<ResponseHead>(outcome);
        if (head) await compare(head, method);
        return `${inAWord(outcome)} ${head ? Math.floor(head.status / 100) : ''}`;
      },
    };
  },
};

async function compare(head: ResponseHead, method: string): Promise<void> {
  // RFC 9110 §2.5: a higher minor version is read as the highest that is known, by us alone.
  if (/^HTTP\/1\.[2-9]/.test(head.text)) return;
  const { messages } = await readResponsesByLlhttp(Buffer.from(head.text, 'latin1'), method);
  const shown = JSON.stringify(head.text.slice(0, 300));
  const [theirs] = messages;
  if (!theirs || messages.length > 1) throw new Finding('llhttp refuses what we read', shown);
  const read = [theirs.status, ...theirs.fields];
  if (JSON.stringify(read) !== JSON.stringify([head.status, ...rawFields(head)])) {
    throw new Finding('llhttp reads another response', `${JSON.stringify(read)} in ${shown}`);
  }
}
