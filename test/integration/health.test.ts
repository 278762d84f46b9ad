import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { silentLogger } from '../../src/log.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import type { CheckResult } from '../../src/upstream/check-result.ts';
import { HealthMonitor } from '../../src/upstream/health.ts';
import { checkHttp } from '../../src/upstream/http-check.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { parseStatusSet } from '../../src/upstream/status-set.ts';
import { startBackend } from '../support/backend.ts';
import { recordingLogger } from '../support/log.ts';
import { until } from '../support/until.ts';

const CHECK = {
  kind: 'http',
  method: 'GET',
  path: '/login/',
  expect: parseStatusSet('200'),
  timeoutMs: 300,
} as const;

async function check(t: TestContext, handler: RequestListener, options = {}): Promise<CheckResult> {
  const backend = await startBackend(t, handler);
  const [address] = parseBackends(backend.url, assert.fail);
  return checkHttp(address!, { ...CHECK, ...options });
}

test('a check is good by its status, and says what it saw', async (t) => {
  assert.deepEqual(await check(t, (_req, res) => void res.end()), {
    ok: true,
    detail: 'GET /login/ gave 200',
  });
  const redirect: RequestListener = (_req, res) => void res.writeHead(302).end();
  assert.deepEqual(await check(t, redirect), { ok: false, detail: 'GET /login/ gave 302' });
  assert.equal((await check(t, redirect, { expect: parseStatusSet('200-299,302') })).ok, true);
});

test('a check sends the method and Host that it was told', async (t) => {
  const seen: unknown[] = [];
  const handler: RequestListener = (req, res) => {
    seen.push([req.method, req.url, req.headers.host]);
    res.end();
  };
  await check(t, handler, { method: 'HEAD', host: 'dashboard.example' });
  assert.deepEqual(seen, [['HEAD', '/login/', 'dashboard.example']]);
});

test('silence, a cut, a trickle, nonsense and an upgrade nobody asked for are bad checks', async (t) => {
  const silent = await check(t, () => {});
  assert.match(silent.detail, /no answer within 300 ms/);
  assert.equal((await check(t, (req) => void req.socket.destroy())).ok, false);
  assert.equal((await check(t, (req) => void req.socket.end('SSH-2.0\r\n'))).ok, false);
  const trickle = await check(t, (req) => {
    const timer = setInterval(() => req.socket.write('H'), 50);
    req.socket.once('close', () => clearInterval(timer));
  });
  assert.equal(trickle.ok, false);
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
  assert.equal((await check(t, (req) => void req.socket.write(upgrade))).ok, false);
});

describe('a backend that floods its health check costs no more than a few packets', () => {
  const floods = {
    'interim answers': 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
    'empty lines': '\r\n',
  };
  for (const [what, text] of Object.entries(floods)) {
    test(what, async (t) => {
      const bytes = Buffer.from(text.repeat(1_000));
      const flood: RequestListener = ({ socket }) => {
        const send = () => {
          while (!socket.destroyed && socket.write(bytes));
        };
        socket.on('error', () => {}).on('drain', send);
        send();
      };
      // Without a bound it would go on until then.
      const result = await check(t, flood, { timeoutMs: 60_000 });
      assert.deepEqual([result.ok, result.detail], [false, 'no answer within 131072 bytes']);
    });
  }
});

/** A monitor whose checks the test answers, one after the other. */
function scripted(t: TestContext, rise: number, fall: number) {
  const pool = new Pool('portal', parseBackends('http://a:1', assert.fail));
  const { logger, lines } = recordingLogger();
  const waiting: ((result: CheckResult) => void)[] = [];
  const monitor = new HealthMonitor(pool, {
    intervalMs: 1,
    rise,
    fall,
    check: () => new Promise((resolve) => waiting.push(resolve)),
    logger,
  });
  t.after(() => monitor.stop());
  const checked = monitor.start();
  const answer = async (ok: boolean) => {
    await until('a check is under way', () => waiting.length === 1);
    waiting.shift()!({ ok, detail: ok ? 'fine' : 'bad' });
    await until('the next is under way', () => waiting.length === 1);
    return pool.backends[0]!.health;
  };
  return { pool, checked, answer, lines, monitor, waiting };
}

test('the first check decides; then rise and fall count, without a break', async (t) => {
  const { pool, answer, lines } = scripted(t, 2, 3);
  assert.equal(pool.backends[0]!.health, 'unknown');
  assert.equal(pool.backends[0]!.usable, true, 'a gateway that starts refuses nobody');
  const seen = [];
  for (const ok of [false, true, false, true, true, false, false, true, false, false, false]) {
    seen.push(await answer(ok));
  }
  assert.equal(seen.join(' '), 'down down down down up up up up up up down');
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['backend is down', 'backend is up again', 'backend is down'],
  );
});

test('a backend that fails in use is checked at once', async (t) => {
  const pool = new Pool('portal', parseBackends('http://a:1', assert.fail));
  let checks = 0;
  const monitor = new HealthMonitor(pool, {
    intervalMs: 3_600_000,
    rise: 1,
    fall: 1,
    check: async () => ({ ok: ++checks === 1, detail: '' }),
    logger: silentLogger,
  });
  t.after(() => monitor.stop());
  await monitor.start();
  monitor.hasten(pool.backends[0]!);
  await until('it is down', () => pool.backends[0]!.health === 'down');
  assert.equal(checks, 2);
  monitor.hasten(pool.backends[0]!);
  assert.equal(checks, 2, 'what is down waits for its turn');
});

test('a backend that comes up serves those who wait', async (t) => {
  const pool = new Pool('portal', parseBackends('http://a:1 maxconn=1,http://b:1', assert.fail));
  const [, second] = pool.backends;
  second!.health = 'down';
  pool.claim();
  const waiting = pool.claimOrWait();
  const monitor = new HealthMonitor(pool, {
    intervalMs: 1,
    rise: 1,
    fall: 1,
    check: async () => ({ ok: true, detail: '' }),
    logger: silentLogger,
  });
  t.after(() => monitor.stop());
  await monitor.start();
  assert.equal((await waiting).backend, second);
});
