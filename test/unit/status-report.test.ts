import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Problem, problemsOf } from '../../src/admin-client/problems.ts';
import { isRemoteState, type RemoteState } from '../../src/admin-client/remote-state.ts';
import { statusText } from '../../src/admin-client/status-report.ts';
import type { NodeHealth } from '../../src/cache/cache-health.ts';
import { jsonText } from '../../src/terminal.ts';
import { backendState, gatewayState, serviceState } from '../support/gateway-state.ts';

const ADDRESS = 'http://127.0.0.1:9090';

function text(state: RemoteState): string {
  return statusText(state, { address: ADDRESS, colours: false });
}

function told(problems: readonly Problem[]): string[] {
  return problems.map(({ subject, detail }) => `${subject} ${detail}`);
}

function portal(...backends: ReturnType<typeof backendState>[]): RemoteState {
  return gatewayState({ services: [serviceState({ backends })] });
}

function cacheNode(given: Partial<NodeHealth>): NodeHealth {
  return { node: '10.0.0.1:11211', state: 'full', reachable: true, ...given } as NodeHealth;
}

test('a gateway that has everything has no problem, and its tables are aligned', () => {
  const state = portal(
    backendState({ name: '10.0.0.11:80', weight: 3, active: 7, maxconn: 200, claimed: 1234 }),
    backendState({ name: 'two', backup: true, lastCheck: undefined }),
  );
  assert.equal(
    text(state),
    `portal: 0 requests waiting, 0 open websockets
  BACKEND       STATE       WEIGHT    ACTIVE  SERVED  FAILED  LAST CHECK
  10.0.0.11:80  up               3  7 of 200    1234       0  GET /health gave 200, in 3 ms
  two           up, backup       1         0       0       0  none yet

memcached
  NODE            STATE  SESSION CACHE  VERSION
  10.0.0.1:11211  up     off            1.6.18

${ADDRESS}, up for 2 h: everything is usable.
`,
  );
});

test('a listener that waits for its address is told of, and is no problem', () => {
  const listeners = [
    { name: 'portal', address: 'fd00::1', port: 443, waiting: true },
    { name: 'admin', address: '127.0.0.1', port: 9090, waiting: false },
  ];
  const lines = text({ ...portal(backendState({})), gateway: { listeners } });
  assert.match(lines, /\nportal waits for \[fd00::1\]:443, which is not on that host\.\n/);
  assert.doesNotMatch(lines, /admin waits/);
  assert.match(lines, /: everything is usable\.\n$/);
});

test('consoles, other gateways and decisions have tables of their own', () => {
  const state = gatewayState({
    services: [
      serviceState({
        name: 'console',
        tunnels: 6,
        backends: [backendState({ name: 'vnc', tunnels: 6, elsewhere: 4, maxconn: 8192 })],
      }),
    ],
    shared: {
      name: 'here',
      peers: [
        {
          name: 'there',
          ageMs: 420,
          services: [{ name: 'console', backends: [{ name: 'vnc', tunnels: 4, health: 'down' }] }],
        },
      ],
      decisions: [
        { subject: 'console/old', state: 'drain', weight: null, scope: 'cluster', by: 'there' },
        { subject: 'console/vnc', state: 'ready', weight: 7, scope: 'gateway' },
      ],
    },
  });
  const lines = text(state);
  assert.match(lines, /^consoles\n.*\n {2}vnc +6 +4 +8192$/m);
  assert.match(lines, /^ {2}here +this one +6 {2}none$/m);
  assert.match(lines, /^ {2}there +0\.4 s ago +4 {2}console\/vnc$/m);
  assert.match(lines, /^ {2}console\/old +drain +as configured +all gateways, decided on there$/m);
  assert.match(lines, /^ {2}console\/vnc +ready +7 +this gateway$/m);
});

test('whatever is not usable is a problem, with its remedy', () => {
  const state = portal(
    backendState(),
    backendState({
      name: 'two',
      health: 'down',
      usable: false,
      lastCheck: { at: new Date(0), ok: false, detail: 'connect ECONNREFUSED', durationMs: 1 },
    }),
    backendState({ name: 'three', adminState: 'drain', usable: false }),
    backendState({ name: 'four', ejected: true, usable: false }),
  );
  assert.deepEqual(told(problemsOf(state)), [
    'portal/two is down: connect ECONNREFUSED',
    'portal/three has been put into drain',
    'portal/four is ejected, because traffic to it failed',
  ]);
  assert.match(text(state), /^portal\/three has .*\n {2}→ dashgate ready portal\/three gives/m);
  assert.match(text(state), /: 3 problems\.\n$/);
});

test('a service without a backend that is up is a problem, also before the first check', () => {
  const state = portal(backendState({ health: 'unknown', lastCheck: undefined }));
  assert.deepEqual(told(problemsOf(state)), ['portal has no backend that is up and takes work']);
});

test('a memcached node that is lost or refilled, and a session cache in doubt, are problems', () => {
  const state = gatewayState({
    memcached: [
      { node: '10.0.0.1:11211', state: 'down', detail: 'connect ECONNREFUSED' },
      { node: '10.0.0.2:11211', state: 'up', detail: '1.6.18' },
    ],
    cache: {
      sure: false,
      nodes: [
        cacheNode({ state: 'behind', reachable: false }),
        cacheNode({ node: '10.0.0.2:11211', state: 'refilling' }),
      ],
    },
  });
  assert.deepEqual(told(problemsOf(state)), [
    '10.0.0.1:11211 does not answer: connect ECONNREFUSED',
    'session cache does not reach a majority of the memcached nodes',
    '10.0.0.2:11211 does not hold all of its sessions yet (refilling); it is refilled by itself',
  ]);
});

test('a worker that dies again and again is a problem', () => {
  const worker = { pid: 0, ageSeconds: 0, connections: 0, tunnels: 0, restarts: 4, deaths: 0 };
  const state = gatewayState({
    workers: [
      { ...worker, kind: 'relay', slot: 0, state: 'serving' },
      { ...worker, kind: 'relay', slot: 1, state: 'waiting', deaths: 4 },
      { ...worker, kind: 'relay', slot: 2, state: 'serving', deaths: 1 },
      { ...worker, kind: 'relay', slot: 3, state: 'serving', deaths: 2 },
    ],
  });
  assert.deepEqual(told(problemsOf(state)), [
    'worker 2 has died (4 times so far), and is about to be started again',
    'worker 4 has died (4 times so far), and was started again just now',
  ]);
});

test('what peers say of themselves does not steer the terminal', () => {
  const state = portal(backendState({ name: 'a\x1b[31mb\nc', health: 'down', usable: false }));
  assert.ok(!text(state).includes('\x1b'));
  assert.ok(!text(state).includes('b\nc'));
  const coloured = statusText(state, { address: ADDRESS, colours: true });
  assert.ok(coloured.includes('\x1b[1;31mdown\x1b[0m'));
  assert.ok(!coloured.includes('a\x1b'));
});

test('the state of another version is read as far as all is there that reports need', () => {
  const state = JSON.parse(JSON.stringify(gatewayState())) as RemoteState;
  assert.ok(isRemoteState(state));
  assert.ok(isRemoteState({ ...state, more: 1, shared: null }));
  for (const wrong of [
    null,
    [],
    { ...state, services: 5 },
    { ...state, services: [null] },
    { ...state, services: [{ ...state.services[0], backends: [{ name: 'one' }] }] },
    { ...state, memcached: [{ node: 1, state: 'up', detail: '' }] },
    { ...state, shared: { name: 'x', peers: {}, decisions: [] } },
    { ...state, cache: { sure: 'yes', nodes: [] } },
  ]) {
    assert.ok(!isRemoteState(wrong), JSON.stringify(wrong));
  }
});

test('a cell without end makes no table without end', () => {
  const name = 'x'.repeat(2_000_000);
  const backends = Array.from({ length: 2_000 }, (_, index) =>
    backendState({ name: index === 0 ? name : String(index) }),
  );
  const told = text(portal(...backends));
  assert.ok(told.length < 2_000 * 400, `${told.length} characters`);
  assert.match(told, /x{199}…/);
});

test('JSON has no character that steers a terminal', () => {
  const hostile = { name: 'a\u009b31m\u202eb\u2028\u{e0001}', ok: 'é→' };
  const told = jsonText(hostile);
  assert.doesNotMatch(told, /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.match(told, /a\\u009b31m\\u202eb\\u2028\\udb40\\udc01/);
  assert.deepEqual(JSON.parse(told), hostile);
});
