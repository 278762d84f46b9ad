import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  coversDecisions,
  credibleDecisions,
  type Decision,
  type Decisions,
  decided,
  decodeDecisions,
  encodeDecisions,
  mergeDecisions,
} from '../../src/memcached/decisions.ts';
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from '../../src/memcached/heartbeat.ts';
import { Peers } from '../../src/memcached/peers.ts';
import { decodeRoster, encodeRoster, mendedRoster } from '../../src/memcached/roster.ts';
import { randomFrom } from '../support/random.ts';

const NONE: Decisions = new Map();

describe('decisions', () => {
  test('are taken from a node in so far as they can have been made, so that others can follow', () => {
    const own = new Set(['console/a']);
    const drain = { version: 1, state: 'drain', weight: null, by: 'x' } as const;
    const sound: Decisions = new Map([['console/a', drain]]);
    assert.equal(credibleDecisions(NONE, sound, own), sound);
    assert.equal(credibleDecisions(sound, NONE, own), NONE);
    const last = { ...drain, version: Number.MAX_SAFE_INTEGER };
    const mixed: Decisions = new Map([
      ['console/a', last],
      ['console/b', drain],
    ]);
    assert.deepEqual([...credibleDecisions(sound, mixed, own).keys()], ['console/b']);
    const crowd = (prefix: string): Decisions =>
      new Map(Array.from({ length: 4_000 }, (_, n) => [`console/${prefix}${n}`, drain]));
    const learned = mergeDecisions(NONE, credibleDecisions(NONE, crowd('x'), own));
    assert.equal(learned.size, 1_024);
    assert.equal(credibleDecisions(learned, crowd('y'), own).size, 0);
    // What is decided on a backend of one's own is learned all the same.
    assert.equal(credibleDecisions(learned, sound, own), sound);
  });

  const random = randomFrom(3);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const anyDecisions = (): Decisions => {
    let decisions = NONE;
    for (let i = Math.floor(random() * 6); i > 0; i -= 1) {
      const decision: Decision = {
        state: pick(['ready', 'drain', 'maint'] as const),
        weight: pick([null, 0, 1, 2]),
      };
      decisions = decided(decisions, pick(['console/a', 'console/b']), decision, pick(['x', 'y']));
    }
    return decisions;
  };
  const sorted = (decisions: Decisions) => [...decisions].sort(([a], [b]) => (a < b ? -1 : 1));

  test('merge alike in whatever order, and twice as once', () => {
    for (let i = 0; i < 2_000; i += 1) {
      const [a, b, c] = [anyDecisions(), anyDecisions(), anyDecisions()];
      const ab = mergeDecisions(a, b);
      assert.deepEqual(sorted(ab), sorted(mergeDecisions(b, a)));
      assert.deepEqual(
        sorted(mergeDecisions(ab, c)),
        sorted(mergeDecisions(a, mergeDecisions(b, c))),
      );
      assert.equal(mergeDecisions(ab, b), ab);
      assert.ok(coversDecisions(ab, a) && coversDecisions(ab, b));
    }
  });

  test('the later one stands, and of two made at once the more cautious', () => {
    const drain = { state: 'drain', weight: null } as const;
    const ready = { state: 'ready', weight: null } as const;
    const at = (decisions: Decisions) => decisions.get('console/a')?.state;
    const one = decided(NONE, 'console/a', drain, 'one');
    const two = decided(NONE, 'console/a', ready, 'two');
    assert.equal(at(mergeDecisions(one, two)), 'drain');
    const later = decided(mergeDecisions(one, two), 'console/a', ready, 'two');
    assert.equal(at(mergeDecisions(one, later)), 'ready');
  });

  test('come back as they were from a document, and out of nothing else', () => {
    for (let i = 0; i < 200; i += 1) {
      const decisions = anyDecisions();
      assert.deepEqual(decodeDecisions(encodeDecisions(decisions)), decisions);
    }
    const row = (values: unknown) =>
      Buffer.from(JSON.stringify({ dashgate: 1, decisions: [values] }));
    assert.ok(decodeDecisions(row(['console/a', 1, 'drain', 0, 'x'])));
    for (const values of [
      ['console/a', 0, 'drain', 0, 'x'],
      ['console/a', 1, 'gone', 0, 'x'],
      ['console/a', 1, 'constructor', 0, 'x'],
      ['console/a', 1, 'drain', 257, 'x'],
      ['console/a', 1, 'drain', 0.5, 'x'],
      ['console/a', 1, 'drain', 0, 7],
      [7, 1, 'drain', 0, 'x'],
      ['console/a', 1, 'drain', 0, '<script>'],
      ['console/a', 1, 'drain', 0, 'x\u001b[2J'],
      ['console/a\n', 1, 'drain', 0, 'x'],
      [`console/${'a'.repeat(1_000)}`, 1, 'drain', 0, 'x'],
      null,
    ]) {
      assert.equal(decodeDecisions(row(values)), undefined, JSON.stringify(values));
    }
    assert.equal(decodeDecisions(Buffer.from('{"dashgate":2,"decisions":[]}')), undefined);
    assert.equal(decodeDecisions(Buffer.from('null')), undefined);
  });
});

const BEAT: Heartbeat = {
  instance: 'i',
  beat: 1,
  stopping: false,
  secret: 's',
  services: [{ name: 'console', backends: [{ name: 'a', tunnels: 3, health: 'up' }] }],
};

describe('a heartbeat', () => {
  test('comes back as it was from an item, and out of nothing else', () => {
    assert.deepEqual(decodeHeartbeat(encodeHeartbeat(BEAT)), BEAT);
    const text = encodeHeartbeat(BEAT).toString();
    for (const [from, to] of [
      ['"dashgate":1', '"dashgate":2'],
      ['"beat":1', '"beat":"1"'],
      ['3,"up"', '-1,"up"'],
      ['3,"up"', '3,"well"'],
      ['"stopping":false', '"stopping":0'],
      ['["console"', '[7'],
    ]) {
      assert.notEqual(text.indexOf(from!), -1, from);
      assert.equal(decodeHeartbeat(Buffer.from(text.replace(from!, to!))), undefined, to);
    }
    assert.equal(decodeHeartbeat(Buffer.alloc(300_000, 0x20)), undefined);
  });
});

describe('gateways', () => {
  const names = (peers: Peers, now: number) => peers.live(now).map(({ name }) => name);

  test('live while their heartbeats change, by the clock of who looks', () => {
    const peers = new Peers(5_000);
    peers.saw('a', BEAT, 0);
    assert.deepEqual(names(peers, 100), [], 'it may be left over');
    assert.equal(peers.saw('a', { ...BEAT, beat: 2 }, 1_000), true);
    assert.deepEqual(peers.live(2_500), [
      { name: 'a', heartbeat: { ...BEAT, beat: 2 }, ageMs: 1_500 },
    ]);
    peers.saw('a', { ...BEAT, beat: 2 }, 5_900);
    assert.deepEqual(names(peers, 5_999), ['a']);
    assert.deepEqual(names(peers, 6_000), [], 'the same heartbeat again is none');
  });

  test('are not set back by a node that missed some heartbeats, nor by a restart', () => {
    const peers = new Peers(5_000);
    peers.saw('a', { ...BEAT, beat: 8 }, 0);
    peers.saw('a', { ...BEAT, beat: 9 }, 1_000);
    assert.equal(peers.saw('a', { ...BEAT, beat: 4 }, 2_000), false);
    assert.equal(peers.live(2_000)[0]?.heartbeat.beat, 9);
    assert.equal(peers.saw('a', { ...BEAT, instance: 'j', beat: 1 }, 3_000), true);
    assert.equal(peers.live(3_000)[0]?.heartbeat.instance, 'j');
  });

  test('are gone when they say so', () => {
    const peers = new Peers(5_000);
    peers.saw('a', BEAT, 0);
    peers.saw('a', { ...BEAT, beat: 2 }, 1_000);
    peers.saw('a', { ...BEAT, beat: 3, stopping: true }, 1_100);
    assert.deepEqual(names(peers, 1_200), []);
  });

  test('put themselves on the roster, and take off who has long been silent', () => {
    const isForgotten = (name: string) => name === 'old';
    const mend = (roster: string[]) => {
      const mended = mendedRoster(new Set(roster), 'me', isForgotten);
      return mended && [...mended].sort();
    };
    assert.deepEqual(mend([]), ['me']);
    assert.deepEqual(mend(['a']), ['a', 'me']);
    assert.equal(mend(['a', 'me']), undefined);
    assert.deepEqual(mend(['a', 'me', 'old']), ['a', 'me']);
    const many = Array.from({ length: 64 }, (_, i) => `g${i}`);
    assert.ok(mend(many)!.includes('me'));
    assert.equal(mend(many)!.length, 64);
    assert.deepEqual(decodeRoster(encodeRoster(['a', 'b c', 'd'])), new Set(['a', 'd']));
    assert.deepEqual(decodeRoster(Buffer.from('x')), new Set());
    assert.deepEqual(decodeRoster(undefined), new Set());
  });
});
