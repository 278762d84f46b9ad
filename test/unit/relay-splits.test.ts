import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHUNKED_BODIES, REFUSED_BODIES } from '../support/relay-bodies.ts';
import {
  type Outcome,
  type Read,
  readBody,
  readRequest,
  readResponse,
} from '../support/relay-outcomes.ts';
import { REFUSED_REQUESTS, REQUESTS } from '../support/relay-requests.ts';
import { REFUSED_RESPONSES, RESPONSES } from '../support/relay-responses.ts';
import { cut } from '../support/splits.ts';

const RANDOM_SPLITS = 25;
/** Longer messages are cut in two around their ends and at some places between only. */
const EVERY_PLACE_BYTES = 400;

/** Pseudo-random integers below a bound: the same ones in each run (mulberry32). */
function randomIntegers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

function assertSplitsAgree(text: string, read: Read, isWanted: (outcome: Outcome) => boolean) {
  const bytes = Buffer.from(text, 'latin1');
  const whole = read([bytes]);
  assert.ok(isWanted(whole), JSON.stringify(whole));
  const every = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
  assert.deepEqual(read(cut(bytes, every)), whole, 'byte by byte');
  const stride = bytes.length > EVERY_PLACE_BYTES ? 97 : 1;
  for (const at of every) {
    if (at % stride !== 0 && at > 60 && at < bytes.length - 60) continue;
    assert.deepEqual(read(cut(bytes, [at])), whole, `cut at ${at}`);
  }
  const random = randomIntegers(bytes.length);
  for (let round = 0; round < RANDOM_SPLITS; round += 1) {
    const places = Array.from({ length: 1 + random(8) }, () => random(bytes.length + 1));
    assert.deepEqual(read(cut(bytes, places)), whole, `cut at ${places}`);
  }
}

const isHead = (outcome: Outcome) => 'fields' in outcome;
const isRefusal = (outcome: Outcome) => 'reason' in outcome && !('fields' in outcome);

describe('however it is split, the outcome is the same for a request with', () => {
  for (const [why, text] of REQUESTS) {
    test(why, () => assertSplitsAgree(text, readRequest, isHead));
  }
});

describe('however it is split, the refusal is the same for a request with', () => {
  for (const [why, text] of REFUSED_REQUESTS) {
    test(why, () => assertSplitsAgree(text, readRequest, isRefusal));
  }
});

describe('however it is split, the outcome is the same for a response with', () => {
  for (const [why, method, text] of RESPONSES) {
    test(why, () => assertSplitsAgree(text, readResponse(method), isHead));
  }
});

describe('however it is split, the refusal is the same for a response with', () => {
  for (const [why, text] of REFUSED_RESPONSES) {
    test(why, () => assertSplitsAgree(text, readResponse('GET'), isRefusal));
  }
});

describe('however it is split, the outcome is the same for a body with', () => {
  for (const [why, text] of CHUNKED_BODIES) {
    test(why, () => assertSplitsAgree(text, readBody, ({ done }) => done === true));
  }
});

describe('however it is split, the refusal is the same for a body with', () => {
  for (const [why, text] of REFUSED_BODIES) {
    test(why, () => assertSplitsAgree(text, readBody, isRefusal));
  }
});

test('a mutated request gives the same outcome however it is split', () => {
  const random = randomIntegers(3);
  const octets = Buffer.from('\0\t\n\r !#,/:;@A_az-05\x7f\x80\xff', 'latin1');
  let refused = 0;
  let read = 0;
  const texts = REQUESTS.map(([, text]) => text).filter((text) => text.length < 200);
  for (let round = 0; round < 4000; round += 1) {
    const bytes = Buffer.from(texts[random(texts.length)]!, 'latin1');
    bytes[random(bytes.length)] = octets[random(octets.length)]!;
    const whole = readRequest([bytes]);
    const every = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
    assert.deepEqual(
      readRequest(cut(bytes, every)),
      whole,
      JSON.stringify(bytes.toString('latin1')),
    );
    const places = [random(bytes.length), random(bytes.length)];
    assert.deepEqual(readRequest(cut(bytes, places)), whole, `cut at ${places}`);
    if (isRefusal(whole)) refused += 1;
    if (isHead(whole)) read += 1;
  }
  assert.ok(refused > 500 && read > 500, `${refused} refused, ${read} read`);
});
