import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readPickle } from '../../src/session/pickle-reader.ts';
import {
  PyFloat,
  PyGlobal,
  PyObject,
  PyTuple,
  type PyValue,
} from '../../src/session/pickle-values.ts';
import { sessionExpiry } from '../../src/session/session-expiry.ts';

const MAX_AGE = 3600;
const NOW = Date.UTC(2024, 1, 28, 23, 59, 50);

function make(name: string, ...args: PyValue[]): PyObject {
  const [module, qualname] = name.split('.') as [string, string];
  return new PyObject('reduce', new PyGlobal(module, qualname), new PyTuple(args));
}

/** 2024-02-29 00:00:00.5 */
const STATE = Buffer.from([0x07, 0xe8, 2, 29, 0, 0, 0, 0x07, 0xa1, 0x20]);
const twoHoursEast = make('datetime.timezone', make('datetime.timedelta', 0, 7200, 0));

describe('the life of a session', () => {
  const cases: readonly (readonly [string, PyValue | undefined, number, boolean])[] = [
    ['nothing', undefined, 3600, false],
    ['None', null, 3600, false],
    ['an int', 77, 77, false],
    ['a negative int', -5, -5, false],
    ['0: the cookie ends with the browser', 0, 3600, true],
    ['0.0', new PyFloat(0), 3600, true],
    ['False, which is 0 to Python', false, 3600, true],
    ['a float', 12.9, 12, false],
    ['a whole float', new PyFloat(30), 30, false],
    ['an int beyond all time', 2n ** 80n, 315_360_000, false],
    ['an int before all time', -(2n ** 80n), -315_360_000, false],
    ['infinity', Number.POSITIVE_INFINITY, 315_360_000, false],
    ['NaN', Number.NaN, 3600, false],
    ['a datetime in UTC', make('datetime.datetime', STATE, make('pytz._UTC')), 10, false],
    ['a datetime east of UTC', make('datetime.datetime', STATE, twoHoursEast), 10 - 7200, false],
    ['a datetime without a zone', make('datetime.datetime', STATE), 3600, false],
    [
      'a datetime in a zone of a database',
      make('datetime.datetime', STATE, make('x.Y')),
      3600,
      false,
    ],
    ['a datetime of other bytes', make('datetime.datetime', Buffer.from('x')), 3600, false],
    ['a timedelta', make('datetime.timedelta', 1, 0, 0), 3600, false],
    ['an ISO time', '2024-02-29T00:00:01+00:00', 11, false],
    ['an ISO time without a zone', '2024-02-29T00:00:01', 3600, false],
    ['an ISO time that is now', '2024-02-28T23:59:50Z', -1, false],
    ['a text', 'tomorrow', 3600, false],
    ['a list', [1], 3600, false],
  ];
  for (const [name, value, ageSeconds, atBrowserClose] of cases) {
    it(`is read from ${name}`, () => {
      assert.deepEqual(sessionExpiry(value, MAX_AGE, NOW), { ageSeconds, atBrowserClose });
    });
  }

  for (const protocol of [0, 2, 3, 5]) {
    it(`is read from a datetime that real Python pickled, protocol ${protocol}`, () => {
      const file = `../../fixtures/django/pickles/protocol-${protocol}.json`;
      const fixtures: { name: string; base64: string }[] = JSON.parse(
        readFileSync(new URL(file, import.meta.url), 'utf8'),
      );
      const times = fixtures.find(({ name }) => name === 'times');
      const values = readPickle(Buffer.from(times!.base64, 'base64')) as PyValue[];
      assert.equal(sessionExpiry(values[1], MAX_AGE, NOW).ageSeconds, 10);
    });
  }
});
