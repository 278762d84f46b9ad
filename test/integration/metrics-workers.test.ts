import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { fetchTls } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { type Scrape, scrape } from '../support/metrics.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const answered = { service: 'portal', code: '2xx' };
const REQUESTS = 'dashgate_service_requests_total';
const LOOKS = 5;
const serving = { kind: 'relay', state: 'serving' };

async function ask(gateway: GatewayProcess, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await fetchTls(gateway.port('portal'), '/x');
}

/**
 * Asks so many times and sees all of that at once, not when workers tell it by themselves, each second. A
 * worker that gets no processor for 300 ms is late, which is given some more requests and looks.
 */
async function seeAtOnce(
  gateway: GatewayProcess,
  before: number,
  times: number,
): Promise<{ readonly seen: Scrape; readonly asked: number }> {
  let asked = before;
  let more = times;
  let looks = 0;
  let seen: Scrape;
  do {
    await ask(gateway, more);
    asked += more;
    more = 1;
    seen = await scrape(gateway.port('admin'));
    looks += 1;
  } while (looks < LOOKS && seen.value(REQUESTS, answered) !== asked);
  assert.equal(seen.value(REQUESTS, answered), asked, 'the last one is there at once');
  return { seen, asked };
}

function assertNothingWentBack(before: Scrape, after: Scrape): void {
  for (const [key, value] of before.totals) {
    if (/^(nodejs|process)_/.test(key)) continue;
    const now = after.totals.get(key) ?? -1;
    assert.ok(now >= value, `${key} was ${value}, is ${now}`);
  }
}

describe('metrics of a gateway with two workers', () => {
  test('add both up, and go on when one is killed, and when all are replaced', async (t) => {
    const backend = await startBackend(t);
    const novnc = await startWebSocketBackend(t, 'one');
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: `${backend.url} name=one`,
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: novnc.url,
      CONSOLE_HEALTH_PATH: '/',
    });
    const admin = gateway.port('admin');
    const tunnel = await openWebSocket(t, gateway.port('console'));
    const { seen: first, asked } = await seeAtOnce(gateway, 0, 20);
    assert.equal(first.value('dashgate_listener_connections_total', { listener: 'portal' }), asked);
    assert.equal(first.value('dashgate_tunnels', { service: 'console' }), 1);
    assert.equal(first.value('dashgate_workers', serving), 2);
    for (const process of ['supervisor', 'worker-1', 'worker-2']) {
      assert.ok(first.value('dashgate_process_memory_bytes', { process }) > 1e7);
      const p99 = first.value('dashgate_event_loop_delay_p99_seconds', { process });
      assert.ok(p99 >= 0 && p99 < 10, `${p99}`);
    }
    assert.ok(first.value('dashgate_worker_cpu_seconds_total', { kind: 'relay' }) > 0);

    const [victim] = await gateway.relays();
    process.kill(victim!.pid, 'SIGKILL');
    await until('another one serves', async () => {
      const relays = await gateway.relays();
      return relays.every(({ pid, state }) => pid !== victim!.pid && state === 'serving');
    });
    // What it was asked for before still counts.
    const { seen: second, asked: later } = await seeAtOnce(gateway, asked, 10);
    assert.equal(
      second.value('dashgate_worker_restarts_total', { process: `worker-${victim!.slot + 1}` }),
      1,
    );
    assertNothingWentBack(first, second);

    await gateway.reload();
    const { seen: third } = await seeAtOnce(gateway, later, 10);
    assert.equal(third.value('dashgate_workers', serving), 2);
    assertNothingWentBack(second, third);
    tunnel.socket.terminate();
    const console = { service: 'console' };
    await until(
      'the end of a websocket of a worker that is gone or drains is told',
      async () => (await scrape(admin)).value('dashgate_tunnels', console) === 0,
    );
  });

  test('go on when the supervisor, too, is replaced', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: `${backend.url} name=one` });
    const { asked } = await seeAtOnce(gateway, 0, 7);
    gateway.command.child.kill('SIGUSR2');
    const told = 'it serves; this process ends when its clients have';
    await until('another one serves', () => gateway.logged(told).length === 1, 30_000);
    // Has it noted, too, what is to end with the test.
    await gateway.state();
    await ask(gateway, 3);
    await until(
      'both are counted',
      async () => (await scrape(gateway.port('admin'))).value(REQUESTS, answered) === asked + 3,
    );
  });
});
