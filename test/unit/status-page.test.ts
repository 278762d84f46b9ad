import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackendState, GatewayState, OpenTunnel } from '../../src/admin/state.ts';
import { statusMain, statusPage } from '../../src/admin/status-page.ts';
import { bytes, duration, idOf } from '../../src/admin/status-parts.ts';
import { NO_REFUSALS } from '../../src/gateway/messages.ts';
import { BackendHistory } from '../../src/upstream/backend-counters.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const HOSTILE = `"><script>alert(1)</script>'&<img src=x onerror=alert(2)>`;

const BACKEND: BackendState = {
  name: 'dash-1',
  url: 'http://10.0.0.11:80',
  health: 'up',
  healthSince: new Date(NOW - 90_000),
  adminState: 'ready',
  ejected: false,
  ejectedUntil: undefined,
  usable: true,
  backup: false,
  weight: 3,
  ramp: 1,
  maxconn: 100,
  elsewhere: 0,
  active: 9,
  tunnels: 2,
  claimed: 12_345,
  failed: 0,
  failedInARow: 0,
  history: new BackendHistory(),
  lastCheck: { at: new Date(NOW - 2_000), ok: true, detail: 'GET / gave 200', durationMs: 31.4 },
};

const STATE: GatewayState = {
  ready: true,
  uptimeSeconds: 3_725,
  gateway: {
    name: 'ctl1:443',
    version: '1.2.3',
    pid: 77,
    listeners: [{ name: 'portal', address: '::', port: 443, waiting: false }],
    copies: 2,
    drainMs: 600_000,
  },
  workers: [],
  refusals: NO_REFUSALS,
  services: [
    {
      name: 'portal',
      queued: 1,
      tunnels: 2,
      traffic: { requests: 12.34, errors: 0, p50: 8, p95: 41 },
      backends: [BACKEND],
    },
  ],
  memcached: [{ node: '10.0.0.1:11211', state: 'up', detail: '1.6.18' }],
  cache: undefined,
  shared: undefined,
};

const TUNNEL: OpenTunnel = {
  id: 't-1',
  service: 'console',
  backend: 'console-1',
  client: '192.0.2.7',
  since: NOW - 65_000,
  received: 2_048,
  sent: 5_000_000,
};

function main(state: Partial<GatewayState>, tunnels: readonly OpenTunnel[] = []): string {
  return statusMain({ state: { ...STATE, ...state }, tunnels, now: NOW }).text;
}

function backend(change: Partial<BackendState>): string {
  const service = { ...STATE.services[0]!, backends: [{ ...BACKEND, ...change }] };
  return main({ services: [service] });
}

test('a backend shows its checks, load and counts', () => {
  const page = backend({});
  for (const text of ['dash-1', 'http://10.0.0.11:80', 'GET / gave 200', 'in 31 ms', '12,345']) {
    assert.ok(page.includes(text), text);
  }
  assert.match(page, /title="since 2026-01-01 11:58:30 UTC">1 min 30 s</);
  assert.match(page, /data-label="Requests now" class="n">7 <small>of 100</);
  assert.match(page, /12\.3 \/s/);
  assert.match(page, /median 8 ms/);
  assert.match(page, /data-admin="ready"[^>]*aria-pressed="true"/);
});

test('what keeps a backend from work is said apart from its health', () => {
  const ejected = backend({ ejected: true, usable: false, ejectedUntil: new Date(NOW + 12_000) });
  assert.match(ejected, /badge good">up<.*\n*.*badge bad">ejected<\/span> <small>another 12 s/);
  assert.match(backend({ adminState: 'drain', usable: false }), /badge warn">drained</);
  assert.match(backend({ adminState: 'maint', usable: false }), /badge warn">maintenance</);
  assert.match(backend({ ramp: 0.45 }), /slow start<.*<meter [^>]*value="0.45">.*45 %/);
  assert.match(backend({ health: 'down', usable: false }), /0 of 1 usable/);
});

test('what is read out does not change with the figures', () => {
  const told = (page: string) => /id="summary" role="status">([^<]*)</.exec(page)?.[1];
  assert.equal(told(backend({})), told(backend({ active: 12, claimed: 99_999 })));
  assert.notEqual(told(backend({})), told(backend({ usable: false })));
});

test('nodes show what the session cache believes of them, and how far it has come', () => {
  const health = {
    node: '10.0.0.1:11211',
    state: 'refilling' as const,
    since: NOW - 5_000,
    reason: undefined,
    reachable: true,
    error: undefined,
    facts: { version: '1.6.18', pid: 1, uptime: 9, items: 400 },
    counts: { operations: 10, failures: 2, latencyMs: 4 },
    refill: { keys: 100, copied: 90, removed: 1 },
  };
  const page = main({ cache: { sure: false, nodes: [health], move: undefined } });
  assert.match(page, /refilling<.*<progress max="400" value="100">/);
  assert.match(page, /100 keys looked at, 90 copied, 1 removed/);
  assert.match(page, /does not reach a majority/);
  assert.match(page, /0\.50 ms/);
});

test('consoles are shown the newest first, and not more than anybody reads', () => {
  const page = main({}, [TUNNEL]);
  assert.match(page, /192\.0\.2\.7.*console-1.*1 min 5 s.*2\.0 KiB.*4\.8 MiB.*data-tunnel="t-1"/s);
  const many = Array.from({ length: 150 }, (_, i) => ({
    ...TUNNEL,
    id: `t-${i}`,
    since: NOW - i * 1_000,
  }));
  const all = main({}, many);
  assert.equal(all.match(/data-tunnel=/g)?.length, 100);
  assert.ok(all.includes('data-tunnel="t-0"') && !all.includes('data-tunnel="t-149"'));
  assert.ok(all.includes('>150<'));
});

test('whatever names, addresses and reasons are, they stay text', () => {
  const services = [
    {
      ...STATE.services[0]!,
      name: HOSTILE,
      backends: [
        {
          ...BACKEND,
          name: HOSTILE,
          url: HOSTILE,
          lastCheck: { at: new Date(NOW), ok: false, detail: HOSTILE, durationMs: 1 },
        },
      ],
    },
  ];
  const hostile: GatewayState = {
    ...STATE,
    services,
    gateway: { ...STATE.gateway!, name: HOSTILE, version: HOSTILE },
    memcached: [{ node: HOSTILE, state: 'down', detail: HOSTILE }],
    shared: {
      name: HOSTILE,
      peers: [{ name: HOSTILE, ageMs: 1, services: [] }],
      decisions: [
        { subject: HOSTILE, state: 'drain', weight: null, scope: 'cluster', by: HOSTILE },
      ],
    },
  };
  const tunnel = { ...TUNNEL, id: HOSTILE, client: HOSTILE, backend: HOSTILE };
  const page = statusPage({
    state: hostile,
    tunnels: [tunnel],
    csrf: HOSTILE,
    release: 'r',
    now: NOW,
  });
  assert.ok(page.includes('&lt;script&gt;alert(1)'));
  assert.doesNotMatch(page, /<script>|<img src=x/);
  // No attribute ends early: of its quotes, none has come from outside.
  assert.doesNotMatch(page, /onerror=alert\(2\)>/);
  assert.doesNotMatch(page, /\sid="[^"]*[\s<&]/);
});

test('a move of the session cache names the nodes to keep running, and is none where all stay', () => {
  const told = (leaving: readonly string[]) =>
    main({ cache: { sure: true, nodes: [], move: { to: ['a:1', 'b:1'], leaving } } });
  assert.match(told(['c:1']), /moves to a:1, b:1; leave c:1 running until it is done/);
  const staying = told([]);
  assert.match(staying, /every session to its new place on a:1, b:1; no node is given up/);
  assert.doesNotMatch(staying, /moves to/);
});

test('the page asks for nothing but its own files, and has nothing inline', () => {
  const page = statusPage({ state: STATE, tunnels: [], csrf: 'token', release: 'r', now: NOW });
  const asked = [...page.matchAll(/<(?:link|script|img)[^>]* (?:src|href)="([^"]+)"/g)].map(
    ([, url]) => url!,
  );
  assert.ok(asked.length >= 7);
  for (const url of asked) assert.match(url, /^page\/[a-z]+\.(css|js|svg)$/);
  assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|<script(?! src=)/);
  assert.match(page, /<meta name="csrf-token" content="token">/);
});

test('who has logged in can log out, also without scripts', () => {
  const view = { state: STATE, tunnels: [], csrf: 'token', release: 'r', now: NOW };
  assert.doesNotMatch(statusPage(view), /Log out/);
  const page = statusPage({ ...view, loggedIn: true });
  assert.match(page, /<form method="post" action="logout"><input [^>]*name="csrf" value="token">/);
});

test('durations and sizes are told in units that people read', () => {
  const told = [0, 59_999, 60_000, 90_000, 3_600_000, 90_060_000].map(duration);
  assert.deepEqual(told, ['0 s', '59 s', '1 min', '1 min 30 s', '1 h', '1 d 1 h']);
  assert.deepEqual([0, 1_023, 1_024, 15_000, 3_000_000].map(bytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '15 KiB',
    '2.9 MiB',
  ]);
  assert.equal(idOf('a b', 'c'), 'a_20_b:c');
  assert.notEqual(idOf('a:b'), idOf('a', 'b'));
});
