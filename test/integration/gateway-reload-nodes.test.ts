import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startCacheGateway } from '../support/cache-gateway.ts';
import { printed } from '../support/command.ts';
import { startDjango } from '../support/django/process.ts';
import { startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

const USERS = 30;
/** Between clicks: without, the site takes the processor that the gateway is to start and move on. */
const THINK_MS = 10;

/** Real Django on the cache, and users who are logged in and click until they are stopped. */
async function startUsers(t: TestContext, placement: string, location: string) {
  const port = await startDjango(t, 'site.py', [placement, JSON.stringify([location])]).line();
  const ask = (path: string, session = '') =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie: `sessionid=${session}` } });
  const sessions: string[] = [];
  for (let user = 0; user < USERS; user++) {
    const { headers } = await ask(`/login?user=u${user}`);
    sessions.push(/sessionid=([a-z0-9]{32});/.exec(headers.get('set-cookie') ?? '')![1]!);
  }
  let goesOn = true;
  let clicks = 0;
  const clickOn = async () => {
    for (; goesOn; clicks++) {
      await delay(THINK_MS);
      const user = clicks % USERS;
      const answer = await ask('/click', sessions[user]);
      const body = await answer.text();
      assert.equal(answer.status, 200, `click ${clicks} of user ${user}: ${body}`);
      assert.equal(JSON.parse(body).user, `u${user}`);
    }
  };
  const clicking = clickOn();
  return {
    ask,
    sessions,
    async more() {
      const goal = clicks + USERS;
      await Promise.race([clicking, until('everybody clicks', () => clicks >= goal, 30_000)]);
    },
    async stop() {
      goesOn = false;
      await clicking;
    },
  };
}

describe('SIGHUP with another list of memcached nodes', () => {
  for (const [placement, workers] of [
    ['python-memcached', 1],
    ['pylibmc', 0],
    ['pymemcache', 1],
  ] as const) {
    it(`moves the sessions of users who click on Django, and logs nobody out (${placement}, ${workers} workers)`, async (t) => {
      const nodes = await Promise.all([0, 1, 2, 3, 4].map(() => startMemcached(t)));
      const [a, b, c, d, e] = nodes.map(({ address }) => address) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const gateway = await startCacheGateway(t, placement, [a, b, c], workers);
      await gateway.on([a, b, c]);
      const users = await startUsers(t, placement, gateway.location);
      await users.more();
      const left = users.sessions[0]!;
      const { headers } = await users.ask('/login?user=u0');
      users.sessions[0] = /sessionid=([a-z0-9]{32});/.exec(headers.get('set-cookie') ?? '')![1]!;
      // Then nobody clicks with the one before any more.
      await users.more();
      assert.equal((await users.ask('/logout', left)).status, 200);

      gateway.reload([a, b, 'no address']);
      await printed(gateway.command, 'the configuration stays as it was');
      assert.match(gateway.command.out(), /MEMCACHED_SERVERS=\S+ .*not the address/);
      await gateway.on([a, b, c]);

      gateway.reload([a, b, c, d]);
      await gateway.on([a, b, c, d]);
      await users.more();
      gateway.reload([d, e, a]);
      await gateway.on([d, e, a]);
      await users.more();
      assert.deepEqual(
        (await gateway.state()).memcached.map(({ node }) => node),
        [d, e, a],
      );
      await nodes[1]!.kill();
      await nodes[2]!.kill();
      await users.more();
      await users.stop();
      assert.deepEqual(await (await users.ask('/show', left)).json(), {});
      assert.equal(gateway.command.child.exitCode, null);
    });
  }
});
