import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import { isSessionId, newSessionId, sessionKeyPrefix } from '../../src/session/django-session.ts';
import { MAX_PICKLE_BYTES } from '../../src/session/pickle-values.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';
import {
  cookieValues,
  expiredCookie,
  sessionCookie,
  sessionIdOf,
} from '../../src/session/session-cookie.ts';
import { readSessionItem } from '../../src/session/session-item.ts';

describe('the key of a session', () => {
  it('is that of Django, with its defaults and without', () => {
    assert.equal(sessionKeyPrefix(), ':1:django.contrib.sessions.cache');
    assert.equal(sessionKeyPrefix('horizon', 2), 'horizon:2:django.contrib.sessions.cache');
  });

  it('ends in an id of 32 characters that use the whole alphabet', () => {
    const ids = Array.from({ length: 500 }, newSessionId);
    for (const id of ids) assert.ok(isSessionId(id), id);
    assert.equal(new Set(ids).size, 500);
    assert.equal(new Set(ids.join('')).size, 36);
  });

  for (const value of [
    undefined,
    null,
    32,
    '',
    'a'.repeat(31),
    'a'.repeat(33),
    'A'.repeat(32),
    `${'a'.repeat(31)}\n`,
    `${'a'.repeat(32)}\n`,
    `${'a'.repeat(31)}é`,
    ['a'.repeat(32)],
  ]) {
    it(`never ends in ${JSON.stringify(value)}`, () => assert.equal(isSessionId(value), false));
  }
});

describe('an item of a session', () => {
  const pickled = writePickle({ a: 1 });

  it('is read plain and compressed', async () => {
    const expected = { __proto__: null, a: 1 };
    assert.deepEqual(await readSessionItem({ value: pickled, flags: 1 }), expected);
    assert.deepEqual(await readSessionItem({ value: deflateSync(pickled), flags: 9 }), expected);
  });

  it('is refused under any other flags', async () => {
    for (const flags of [0, 2, 4, 8, 16, 3, 17, 25]) {
      await assert.rejects(readSessionItem({ value: pickled, flags }), { name: 'PickleError' });
    }
  });

  it('is refused where it inflates without end', async () => {
    const bomb = deflateSync(Buffer.alloc(MAX_PICKLE_BYTES + 1));
    assert.ok(bomb.length < 10_000);
    await assert.rejects(readSessionItem({ value: bomb, flags: 9 }), /do not inflate to 8388608/);
  });

  for (const value of [null, 1, 'text', [], new Set(), Buffer.from('b')]) {
    it(`is refused where it holds ${JSON.stringify(value)} and no dict`, async () => {
      const item = { value: writePickle(value), flags: 1 };
      await assert.rejects(readSessionItem(item), /not of a dict/);
    });
  }
});

describe("the session's cookie", () => {
  const id = 'q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6';

  it('is found among others', () => {
    assert.equal(sessionIdOf(cookieValues(`a=b; sessionid=${id};c`, 'sessionid')), id);
    assert.equal(sessionIdOf(cookieValues(`xsessionid=${id}`, 'sessionid')), undefined);
    assert.deepEqual(cookieValues(undefined, 'sessionid'), []);
  });

  it('counts for nothing when it comes twice', () => {
    const values = cookieValues(`sessionid=${id}; sessionid=${id}`, 'sessionid');
    assert.equal(values.length, 2);
    assert.equal(sessionIdOf(values), undefined);
  });

  it('counts for nothing where a name has blanks of Unicode around it', () => {
    for (const blank of ['\xa0', '\x85', '\xc2\xa0', '\xe3\x80\x80']) {
      for (const other of [`${blank}sessionid=${id}`, `sessionid${blank}=${id}`]) {
        const values = cookieValues(`sessionid=${id}; ${other}`, 'sessionid');
        assert.equal(sessionIdOf(values), undefined, JSON.stringify(other));
        assert.equal(sessionIdOf(cookieValues(other, 'sessionid')), undefined);
      }
    }
  });

  it('has no blanks of Unicode around it, which Django takes for a part of it', () => {
    assert.equal(sessionIdOf(cookieValues(`sessionid=\xa0${id}`, 'sessionid')), undefined);
  });

  it('is set as Django sets it', () => {
    const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    assert.equal(
      sessionCookie({ name: 'sessionid', secure: true }, id, 3600, now),
      `sessionid=${id}; expires=Fri, 02 Jan 2026 04:04:05 GMT; HttpOnly; Max-Age=3600; Path=/; SameSite=Lax; Secure`,
    );
    assert.equal(
      sessionCookie({ name: 'sessionid', secure: false }, id, undefined, now),
      `sessionid=${id}; HttpOnly; Path=/; SameSite=Lax`,
    );
    assert.equal(
      expiredCookie('sessionid'),
      'sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax',
    );
  });
});
