import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startDjango } from '../support/django/process.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

/** What Django may be configured with, each of which keeps its connections in its own way. */
const CLIENTS = ['pymemcache', 'python-memcached', 'pylibmc'] as const;

/** Between clicks: without, the site takes the processor that new processes are to start on. */
const THINK_MS = 20;

/** A user who clicks on and on, with what became of it. */
interface Clicking {
  readonly clicks: number;
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

/** A real Django site on the cache of a gateway, and a user who is logged in there. */
async function startClicking(t: TestContext, client: string, location: string): Promise<Clicking> {
  const args = [client, JSON.stringify([location])];
  const port = await startDjango(t, 'site.py', args).line();
  const ask = (path: string, cookie = '') =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
  const [cookie] = (await ask('/login?user=u')).headers.get('set-cookie')!.split(';');
  let clicks = 0;
  let over = false;
  const failures: string[] = [];
  const click = async () => {
    const answer = await ask(`/put?click=${clicks}`, cookie);
    await answer.text();
    const shown = await ask('/show', cookie);
    const body = await shown.text();
    if (answer.status !== 200) failures.push(`put: ${answer.status}`);
    else if (shown.status !== 200) failures.push(`show: ${shown.status}`);
    else if (JSON.parse(body).user !== 'u') failures.push(`logged out: ${body}`);
    clicks += 1;
  };
  const running = (async () => {
    for (; !over; await delay(THINK_MS)) await click();
  })();
  const stop = async () => {
    over = true;
    await running;
  };
  t.after(stop);
  return {
    get clicks() {
      return clicks;
    },
    failures,
    stop,
  };
}

/** Resolves when the cache is in another process and all users have clicked on. */
async function handedOver(
  gateway: GatewayProcess,
  before: number,
  users: readonly Clicking[],
): Promise<void> {
  const isOther = async () => ![0, before].includes(await cachePid(gateway));
  await until('another process is the cache', isOther, 60_000);
  const goals = users.map(({ clicks }) => clicks + 30);
  const goOn = () => users.every(({ clicks }, index) => clicks > goals[index]!);
  await until('the users go on', goOn, 30_000);
}

async function cachePid(gateway: GatewayProcess): Promise<number> {
  const { workers } = await gateway.state();
  return workers.find(({ kind, state }) => kind === 'cache' && state === 'serving')?.pid ?? 0;
}

test('the session cache of a gateway with workers goes on through reloads, an own change and an upgrade, unnoticed by Django with any of its three clients', async (t) => {
  const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
  const gateway = await startGatewayProcess(t, {
    PORTAL_BACKENDS: 'http://127.0.0.1:9',
    // Nobody comes to the portal; the cache has a process of its own.
    WORKERS: '1',
    MEMCACHED_SERVERS: nodes.map(({ address }) => address).join(','),
    CACHE_LISTEN: '127.0.0.1:0',
    // Until then pylibmc, which never hangs up, stays with the process that it is connected to.
    DRAIN_TIMEOUT: '10m',
  });
  const location = `127.0.0.1:${gateway.port('cache')}`;
  const users = await Promise.all(CLIENTS.map((client) => startClicking(t, client, location)));
  const first = await cachePid(gateway);
  await gateway.reload({ RETRIES: '2' });
  assert.equal(await cachePid(gateway), first, 'nothing of its own has changed');
  await gateway.reload({ CACHE_MAX_VALUE_BYTES: '500000' });
  await handedOver(gateway, first, users);
  const second = await cachePid(gateway);
  gateway.command.child.kill('SIGUSR2');
  await handedOver(gateway, second, users);
  for (const [index, user] of users.entries()) {
    await user.stop();
    assert.deepEqual(user.failures, [], CLIENTS[index]);
  }
});
