import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientEvent, Outcome } from '../ha/client/event.ts';
import { type Findings, findingsOf } from '../ha/findings.ts';
import { complaints } from '../ha/verdict.ts';

const poll = (at: number, outcome: Outcome = 'ok'): ClientEvent => ({
  kind: 'poll',
  user: 0,
  at,
  ms: 5,
  outcome,
});
const NEVER = { at: 0, movedAt: undefined };

describe('what users saw of a takeover', () => {
  test('the gap is the longest from a poll that failed to the next that did not', () => {
    const polls = [
      poll(0),
      poll(50, 'broken'),
      poll(100),
      poll(150, 'timeout'),
      poll(200, 'error'),
    ];
    assert.equal(findingsOf([...polls, poll(400)], NEVER).gapMs, 250);
    assert.equal(findingsOf(polls, NEVER).gapMs, Number.POSITIVE_INFINITY);
    assert.equal(findingsOf([poll(0), poll(50)], NEVER).gapMs, 0);
  });

  test('users are logged out once, however often they are told so', () => {
    const look = (user: number, outcome: Outcome): ClientEvent => ({
      ...poll(0, outcome),
      kind: 'kept',
      user,
    });
    const found = findingsOf(
      [look(1, 'loggedOut'), look(1, 'loggedOut'), look(2, 'broken'), look(2, 'ok')],
      NEVER,
    );
    assert.deepEqual([found.loggedOut, found.failed, found.requests], [1, 1, 4]);
  });

  test('a TLS session counts where one machine gave it and another one takes it', () => {
    const fresh = (at: number, since: number, resumed: boolean): ClientEvent => ({
      ...poll(at),
      kind: 'fresh',
      session: { since, resumed },
    });
    const before = fresh(150, 50, true);
    const taken = fresh(250, 50, true);
    const refused = fresh(260, 60, false);
    const ofTheSecond = fresh(270, 255, true);
    const found = findingsOf([before, taken, refused, ofTheSecond], { at: 100, movedAt: 200 });
    assert.deepEqual([found.connections, found.resumed], [2, 1]);
  });

  test('a console is away from its last picture to the next', () => {
    const picture = (at: number, user: number, outcome: Outcome = 'ok'): ClientEvent => ({
      ...poll(at, outcome),
      kind: 'console',
      user,
    });
    const one = [picture(0, 1), picture(100, 1, 'broken'), picture(300, 1)];
    assert.equal(findingsOf([...one, picture(0, 2), picture(900, 2)], NEVER).consolesMs, 300);
    assert.equal(findingsOf(one.slice(0, 2), NEVER).consolesMs, Number.POSITIVE_INFINITY);
  });
});

describe('the verdict', () => {
  const trial = (gapMs: number, loggedOut = 0): Findings => ({
    gapMs,
    loggedOut,
    failed: 0,
    requests: 1,
    connections: 0,
    resumed: 0,
    consolesMs: 0,
  });
  const verdict = (own: readonly Findings[], others: readonly Findings[]) =>
    complaints(
      [
        { fault: 'kill', peer: 'dashgate', trials: own },
        { fault: 'kill', peer: 'other', trials: others },
      ],
      1_000,
    );

  test('allows for a look of the cluster and for what the trials of the other differ by', () => {
    assert.deepEqual(verdict([trial(2_200)], [trial(1_000), trial(1_300)]), []);
    const [found, ...more] = verdict([trial(2_400)], [trial(1_000), trial(1_300)]);
    assert.match(found!, /gap of dashgate \(2400 ms\) is longer than that of other \(1000 ms\)/);
    assert.deepEqual(more, []);
  });

  test('allows for no logout and no end, whatever the other does', () => {
    assert.match(
      verdict([trial(0, 1)], [trial(0, 5)]).join(),
      /1 users of dashgate were logged out/,
    );
    const never = trial(Number.POSITIVE_INFINITY);
    assert.match(verdict([never], [never]).join(), /did not come back/);
    assert.deepEqual(verdict([trial(5_000)], [never, never]), []);
  });
});
