import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RateExchange } from '../../src/gateway/rate-exchange.ts';
import { type MemcachedClient, UnavailableError } from '../../src/memcached/client.ts';
import { describeLimit, RateLimits, type Total } from '../../src/policy/rate-limits.ts';
import { subscriber } from '../../src/policy/seats.ts';
import { rateLimits } from '../../src/setting-readers.ts';
import { until } from '../support/until.ts';

const [LOGIN] = rateLimits('3/10s on POST /dashboard/auth/');
const ID = '3/10s on POST /dashboard/auth';

/** Limits at a time that the test moves. */
function at(text: string, mostAddresses?: number) {
  const clock = { ms: 0 };
  const now = () => clock.ms;
  const options = mostAddresses === undefined ? { now } : { now, mostAddresses };
  const limits = new RateLimits(rateLimits(text), options);
  const ask = (address = '192.0.2.1', method = 'POST', target = '/dashboard/auth/login/') =>
    limits.take(method, target, () => address);
  return { clock, limits, ask };
}

describe('RATE_LIMITS', () => {
  test('are read with a method or without, several of them', () => {
    assert.deepEqual(rateLimits('20/10s on /dashboard/auth/, 5/1m  on  POST /'), [
      { most: 20, periodMs: 10_000, method: undefined, path: '/dashboard/auth' },
      { most: 5, periodMs: 60_000, method: 'POST', path: '' },
    ]);
    assert.deepEqual(rateLimits(''), []);
    assert.equal(describeLimit(LOGIN!), ID);
  });

  test('name the remedy where they are none', () => {
    const wrong = [
      '20/10s',
      '20 on /x',
      '20/10 on /x',
      '0/10s on /x',
      '2/500ms on /x',
      '2/2d on /x',
    ];
    for (const text of [...wrong, '2/1s on x', '2/1s on /x?y', '2/1s on post /x']) {
      assert.throws(() => rateLimits(text), /write|whole number|plain path/, text);
    }
  });

  test('refuse what is too much until the period ends, and say when that is', () => {
    const { clock, limits, ask } = at('3/10s on POST /dashboard/auth/');
    for (let i = 0; i < 3; i += 1) assert.equal(ask(), 0);
    clock.ms = 2_500;
    assert.equal(ask(), 8);
    assert.equal(ask('192.0.2.2'), 0);
    clock.ms = 9_999;
    assert.equal(ask(), 1);
    clock.ms = 10_000;
    assert.equal(ask(), 0);
    assert.equal(limits.refused, 2);
  });

  test('are for the paths that they name, however those are spelled, and no others', () => {
    const spelled = [
      '/dashboard/auth',
      '/dashboard/auth/login/?next=/',
      '/dashboard//auth/login/',
      '/dashboard/%61uth/',
      '/x/../dashboard/./auth/',
    ];
    for (const target of spelled) {
      const { ask } = at('1/10s on /dashboard/auth/');
      assert.equal(ask(undefined, 'GET', target), 0);
      assert.equal(ask(undefined, 'POST', target), 10, target);
    }
    const { limits, ask } = at('1/10s on POST /dashboard/auth/');
    for (const target of ['/dashboard/authority', '/dashboard/', '/']) ask('a', 'POST', target);
    ask('a', 'GET');
    assert.equal(limits.size, 0);
  });

  test('take a method in small letters for what Django takes it for', () => {
    const { limits, ask } = at('2/10s on POST /dashboard/auth/');
    assert.equal(ask(undefined, 'post'), 0);
    assert.equal(ask(undefined, 'PoSt'), 0);
    assert.equal(ask(undefined, 'POST'), 10);
    assert.equal(ask(undefined, 'post'), 10);
    assert.equal(ask(undefined, 'put'), 0);
    assert.equal(limits.refused, 2);
  });

  test('count a /64 of IPv6 as one, and all limits that there are', () => {
    const { ask } = at('2/10s on /, 1/1m on POST /dashboard/auth/');
    assert.equal(ask('2001:db8::1'), 0);
    assert.equal(ask('2001:db8::ffff:1', 'GET'), 0);
    assert.equal(ask('2001:db8:0:0:7::'), 60, 'the longest wait counts');
    assert.equal(ask('2001:db8:0:1::1'), 0);
  });

  test('hold over data planes that tell each other', () => {
    const { clock, limits, ask } = at('3/10s on POST /dashboard/auth/');
    ask();
    assert.deepEqual(limits.untold(10), [{ limit: ID, subject: '192.0.2.1', count: 1 }]);
    assert.deepEqual(limits.untold(10), []);
    ask();
    const total = { limit: ID, subject: '192.0.2.1', count: 2, msLeft: 5_000 };
    limits.learn([total]);
    assert.equal(ask(), 5, 'two that were told of, and one that is still to be');
    limits.learn([
      { ...total, subject: '192.0.2.9', count: 3 },
      { ...total, limit: 'other' },
    ]);
    assert.equal(ask('192.0.2.9'), 5, 'never seen here');
    clock.ms = 5_000;
    assert.equal(ask(), 0, 'their period began before');
    limits.learn([{ ...total, count: 90, msLeft: 0 }]);
    assert.equal(ask(), 0, 'what is over is not learned');
  });

  test('keep so many addresses and no more, the latest, and tell of the busiest first', () => {
    const { limits, ask } = at('3/10s on POST /dashboard/auth/', 1_000);
    for (let i = 0; i < 3; i += 1) ask('192.0.2.1');
    for (let i = 0; i < 100_000; i += 1) ask(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.equal(limits.size, 1_000);
    for (let i = 0; i < 2; i += 1) ask('198.51.100.1');
    const told = limits.untold(100);
    assert.equal(told.length, 100);
    assert.deepEqual(told[0], { limit: ID, subject: '198.51.100.1', count: 2 });
    let rest = 0;
    for (let more = limits.untold(100); more.length > 0; more = limits.untold(100)) {
      rest += more.length;
    }
    assert.equal(rest, 900);
  });
});

test('without memcached the data planes of a gateway still count together, within bounds', async () => {
  const away = new UnavailableError('n', 'is away');
  const unavailable = () => Promise.reject(away);
  const memcached = { incr: unavailable, add: unavailable, get: unavailable };
  const totals: Total[] = [];
  const exchange = new RateExchange({
    limits: [LOGIN!],
    memcached: memcached as unknown as MemcachedClient,
    onTotals: (told) => totals.push(...told),
  });
  const hits = (subject: string) => [{ limit: ID, subject, count: 2 }];
  exchange.add(hits('a'));
  await until('it is told', () => totals.length === 1);
  exchange.add(hits('a'));
  exchange.add([{ limit: 'gone', subject: 'a', count: 1 }]);
  await until('it is told again', () => totals.length === 2);
  const { count, msLeft } = totals[1]!;
  assert.equal(count, 4);
  assert.ok(msLeft > 0 && msLeft <= 10_000);
  totals.length = 0;
  exchange.add(Array.from({ length: 20_000 }, (_, i) => hits(String(i))[0]!));
  await until('those that had room are told', () => totals.length === 10_000);
  exchange.close();
});

test('an address in IPv6 stands for its /64, or for the IPv4 address in it, however it is spelled', () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    '2001:db8:1:2::/64': [
      '2001:db8:1:2:3:4:5:6',
      '2001:DB8:1:2::9',
      '2001:0db8:0001:0002::',
      '2001:db8:1:2::192.0.2.7',
    ],
    '2001:db8:0:0::/64': ['2001:db8::1', '2001:db8:0:0:ffff::'],
    'fe80:0:0:0::/64': ['fe80::1', 'fe80::2%eth0'],
    '0:0:0:0::/64': ['::1', '::', '::192.0.2.7'],
    '192.0.2.7': [
      '192.0.2.7',
      '::ffff:192.0.2.7',
      '::FFFF:192.0.2.7',
      '::ffff:c000:207',
      '0:0:0:0:0:ffff:c000:0207',
      '64:ff9b::192.0.2.7',
      '64:ff9b::c000:207',
    ],
    '64:ff9b:1:0::/64': ['64:ff9b:1::192.0.2.7'],
    'no address': ['no address'],
  };
  for (const [expected, addresses] of Object.entries(cases)) {
    for (const address of addresses) assert.equal(subscriber(address), expected, address);
  }
});
