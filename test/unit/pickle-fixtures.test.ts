import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readPickle } from '../../src/session/pickle-reader.ts';
import { PickleError, type PyValue } from '../../src/session/pickle-values.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';
import { describePickle } from '../support/pickle-description.ts';

interface Fixture {
  name: string;
  protocol: number;
  base64: string;
  description: unknown;
}

const folder = new URL('../../fixtures/django/pickles/', import.meta.url);
const fixtures = readdirSync(folder).flatMap(
  (file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Fixture[],
);

/** The value, or undefined where it is refused as it should be; any other error is thrown. */
function readOrRefuse(bytes: Uint8Array): PyValue | undefined {
  try {
    return readPickle(bytes);
  } catch (error) {
    assert.ok(error instanceof PickleError, `not a PickleError: ${error}`);
    assert.match(error.message, /^pickle, byte \d+: \S/);
    return undefined;
  }
}

/** A generator of equal numbers for equal seeds (mulberry32). */
function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

describe('pickles that real Python wrote', () => {
  it('are there for every protocol', () => {
    assert.deepEqual([...new Set(fixtures.map((one) => one.protocol))].sort(), [0, 1, 2, 3, 4, 5]);
    assert.ok(fixtures.length > 150);
  });

  for (const { name, protocol, base64, description } of fixtures) {
    it(`read as they were written: ${name}, protocol ${protocol}`, () => {
      const value = readPickle(Buffer.from(base64, 'base64'));
      assert.deepEqual(describePickle(value), description);
      assert.deepEqual(describePickle(readPickle(writePickle(value))), description);
    });
  }

  it('are refused cleanly when they are cut off anywhere', () => {
    for (const { base64 } of fixtures) {
      const bytes = Buffer.from(base64, 'base64');
      for (let end = 0; end < bytes.length; end++) {
        assert.equal(readOrRefuse(bytes.subarray(0, end)), undefined);
      }
    }
  });

  it('are read or refused cleanly with any byte changed, and what is read can be written', () => {
    const below = randomBelow(20240229);
    let refused = 0;
    let read = 0;
    for (const { base64 } of fixtures) {
      for (let round = 0; round < 150; round++) {
        const bytes = Buffer.from(base64, 'base64');
        for (let change = below(3); change >= 0; change--) bytes[below(bytes.length)] = below(256);
        const value = readOrRefuse(bytes);
        if (value === undefined) {
          refused += 1;
          continue;
        }
        read += 1;
        assert.deepEqual(describePickle(readPickle(writePickle(value))), describePickle(value));
      }
    }
    assert.ok(refused > 1000 && read > 1000, `${refused} refused, ${read} read`);
  });
});
