import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionGate, type SessionItems } from '../../src/session/session-gate.ts';

const COOKIE = `sessionid=${'a'.repeat(32)}`;

function gateTo(get: SessionItems['get']): SessionGate {
  const options = { cookieName: 'sessionid', keyPrefix: 'p', keyVersion: 3, timeoutMs: 30 };
  return new SessionGate({ items: { get }, ...options });
}

test('a session is looked up under the key that the dashboards give it', async () => {
  const asked: string[] = [];
  const gate = gateTo(async (key) => {
    asked.push(key);
    return undefined;
  });
  await assert.rejects(gate.check(COOKIE), { kind: 'notLoggedIn' });
  assert.deepEqual(asked, [`p:3:django.contrib.sessions.cache${'a'.repeat(32)}`]);
});

test('whoever keeps the sessions has a deadline, and a failure of theirs is a 503', async () => {
  const silent = gateTo(() => new Promise(() => {}));
  await assert.rejects(silent.check(COOKIE), { kind: 'sessionsUnavailable', status: 503 });
  const failing = gateTo(() => Promise.reject(new Error('no such node')));
  await assert.rejects(failing.check(COOKIE), {
    kind: 'sessionsUnavailable',
    message: /no such node/,
  });
});

test('nobody is asked for a cookie that cannot name a session', async () => {
  const gate = gateTo(() => assert.fail('asked'));
  for (const cookie of [undefined, '', 'sessionid=', 'sessionid=A', 'sessionid=a; sessionid=b']) {
    await assert.rejects(gate.check(cookie), { kind: 'notLoggedIn', status: 403 });
  }
});
