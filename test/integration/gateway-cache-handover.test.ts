import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startDjango } from '../support/django/process.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

const PLACEMENTS = ['pymemcache', 'python-memcached', 'pylibmc'] as const;

/** A user who clicks on and on, with what became of it. */
interface Clicking {
  readonly clicks: number;
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

/** A real Django site on the cache of a gateway, and a user who is logged in there. */
async function startClicking(
  t: TestContext,
  placement: string,
  location: string,
): Promise<Clicking> {
  const args = [placement, JSON.stringify([location])];
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
    while (!over) await click();
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

/** Resolves when the cache is in another process and users have clicked on. */
async function handedOver(gateway: GatewayProcess, before: number, user: Clicking): Promise<void> {
  const isOther = async () => ![0, before].includes(await cachePid(gateway));
  await until('another process is the cache', isOther, 60_000);
  const { clicks } = user;
  await until('the user goes on', () => user.clicks > clicks + 30);
}

async function cachePid(gateway: GatewayProcess): Promise<number> {
  const { workers } = await gateway.state();
  return workers.find(({ kind, state }) => kind === 'cache' && state === 'serving')?.pid ?? 0;
}

describe('the session cache of a gateway with workers', () => {
  for (const placement of PLACEMENTS) {
    it(`goes on through reloads, an own change and an upgrade, unnoticed by ${placement}`, async (t) => {
      const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
      const gateway = await startGatewayProcess(t, {
        PORTAL_BACKENDS: 'http://127.0.0.1:9',
        MEMCACHED_SERVERS: nodes.map(({ address }) => address).join(','),
        MEMCACHED_PLACEMENT: placement,
        CACHE_LISTEN: '127.0.0.1:0',
        // Until then pylibmc, which never hangs up, stays with the process that it is connected to.
        DRAIN_TIMEOUT: '10m',
      });
      const user = await startClicking(t, placement, `127.0.0.1:${gateway.port('cache')}`);
      const first = await cachePid(gateway);
      await gateway.reload({ RETRIES: '2' });
      assert.equal(await cachePid(gateway), first, 'nothing of its own has changed');
      await gateway.reload({ CACHE_MAX_VALUE_BYTES: '500000' });
      await handedOver(gateway, first, user);
      const second = await cachePid(gateway);
      gateway.command.child.kill('SIGUSR2');
      await handedOver(gateway, second, user);
      await user.stop();
      assert.deepEqual(user.failures, []);
    });
  }
});
