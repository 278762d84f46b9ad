import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import type { GatewayState, OpenTunnel } from '../../src/admin/state.ts';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand, printed } from '../support/command.ts';
import { fetchTls, gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend } from '../support/websocket.ts';

const TOKEN = 'f00d'.repeat(8);

/** A gateway as an operator runs it, of so many workers, with portal, console and memcached. */
async function startOperated(t: TestContext, workers: number) {
  const folder = temporaryFolder(t);
  const node = await startMemcached(t);
  const backends = [await startBackend(t), await startBackend(t)];
  const consoles = await startWebSocketBackend(t, 'vnc');
  const settings: Record<string, string> = {
    ...(await gatewaySettings(t)),
    WORKERS: String(workers),
    PORTAL_BACKENDS: backends.map(({ url }, i) => `${url} name=${'ab'[i]}`).join(','),
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: `${consoles.url} name=vnc`,
    CONSOLE_HEALTH_CHECK: 'tcp',
    MEMCACHED_SERVERS: node.address,
    ADMIN_TOKEN: TOKEN,
  };
  const configure = (changes: Record<string, string>) => {
    const all = Object.entries({ ...settings, ...changes });
    writeFileSync(
      join(folder, '.env'),
      all.map(([name, value]) => `${name}="${value}"\n`).join(''),
    );
  };
  configure({});
  const command = dashgateCommand(t, ['start'], {}, { cwd: folder });
  await printed(command, '"listener":"admin"');
  const portOf = (name: string) =>
    Number(new RegExp(`"listener":"${name}".*?"port":(\\d+)`).exec(command.out())![1]);
  const [portal, console, admin] = ['portal', 'console', 'admin'].map(portOf) as [
    number,
    number,
    number,
  ];
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`http://127.0.0.1:${admin}${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const open = async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${console}/websockify?token=planted-secret`, {
      rejectUnauthorized: false,
    });
    t.after(() => socket.terminate());
    await once(socket, 'message');
    // What came along with the handshake is not counted to the tunnel.
    socket.send('echo');
    await once(socket, 'message');
    return socket;
  };
  await until('the portal is ready', async () => {
    const answer = await fetch(`http://127.0.0.1:${admin}/readyz`);
    return answer.status === 200;
  });
  return { command, configure, node, backends, portal, ask, open };
}

for (const workers of [0, 2]) {
  describe(`an operator of a gateway with WORKERS=${workers}`, () => {
    it('drains a backend, which then gets nothing, and has it back', async (t) => {
      const { ask, portal, backends } = await startOperated(t, workers);
      const path = '/api/services/portal/backends/a';
      const drained = await ask('POST', path, { admin: 'drain' });
      assert.deepEqual(drained, {
        status: 200,
        body: { service: 'portal', backend: 'a', admin: 'drain', weight: null, scope: 'all' },
      });
      // A weight that is set meanwhile does not put it back.
      assert.equal((await ask('POST', path, { weight: 3 })).body.admin, 'drain');
      const served = () => backends[0]!.requests.length;
      await until('it gets nothing', async () => {
        const before = served();
        for (let i = 0; i < 8; i++) await fetchTls(portal, '/x');
        return served() === before;
      });
      assert.equal((await ask('POST', path, { admin: 'ready', weight: null })).body.weight, null);
      const before = served();
      await until('it gets something', async () => {
        await fetchTls(portal, '/x');
        return served() > before;
      });
    });

    it('gives a weight everywhere, and leaves a backend alone that it has taken out here', async (t) => {
      const { ask } = await startOperated(t, workers);
      const path = '/api/services/portal/backends/a';
      await ask('POST', path, { admin: 'maint', scope: 'gateway' });
      const { body } = await ask('POST', path, { weight: 5 });
      assert.deepEqual([body.admin, body.weight, body.scope], ['maint', 5, 'all']);
      const { services } = (await ask('GET', '/api/state')).body as unknown as GatewayState;
      const { adminState, weight } = services[0]!.backends.find(({ name }) => name === 'a')!;
      assert.deepEqual([adminState, weight], ['maint', 5]);
    });

    it('sees the open consoles, and ends one', async (t) => {
      const { ask, open } = await startOperated(t, workers);
      const sockets = [await open(), await open()];
      const list = async () =>
        (await ask('GET', '/api/tunnels')).body.tunnels as readonly OpenTunnel[];
      const tunnels = await list();
      assert.equal(tunnels.length, 2);
      for (const { service, backend, client, since, sent } of tunnels) {
        assert.deepEqual([service, backend, client], ['console', 'vnc', '127.0.0.1']);
        assert.ok(Math.abs(Date.now() - since) < 60_000);
        assert.ok(sent > 0);
      }
      assert.ok(!JSON.stringify(tunnels).includes('planted-secret'));
      const closed = Promise.race(sockets.map((socket) => once(socket, 'close')));
      assert.equal((await ask('DELETE', `/api/tunnels/${tunnels[0]!.id}`)).status, 200);
      const [code, reason] = await closed;
      assert.equal(code, 1008);
      assert.match(String(reason), /operator/);
      await until('one is left', async () => (await list()).length === 1);
      assert.equal((await ask('DELETE', `/api/tunnels/${tunnels[0]!.id}`)).status, 404);
    });

    it('revokes a session, whose id is not logged', async (t) => {
      const { ask, node, command } = await startOperated(t, workers);
      const id = 'abcdefghijklmnopqrstuvwxyz012345';
      const { Cluster } = await import('../../src/memcached/cluster.ts');
      const cluster = new Cluster({ nodes: [node.address], placement: 'pymemcache' });
      t.after(() => cluster.close());
      const key = `:1:django.contrib.sessions.cache${id}`;
      await cluster.set(key, Buffer.from('session'));
      const revoke = () => ask('POST', '/api/sessions/revoke', { session: id });
      assert.deepEqual((await revoke()).body, { found: true });
      assert.equal(await cluster.get(key), undefined);
      assert.deepEqual((await revoke()).body, { found: false });
      await until('it is logged', () => command.out().includes('revoked a session'));
      assert.ok(!command.out().includes(id));
    });

    it('has the configuration read anew, or is told what is wrong with it', async (t) => {
      const { ask, configure, backends } = await startOperated(t, workers);
      const other = { PORTAL_BACKENDS: `${backends[1]!.url} name=other` };
      configure({ ...other, RETRIES: 'many', SHARED_SECRET: 'too short' });
      const refused = await ask('POST', '/api/reload');
      assert.equal(refused.status, 422);
      assert.match(String(refused.body.error), /RETRIES=many/);
      const findings = refused.body.findings as { name: string }[];
      assert.deepEqual(findings.map(({ name }) => name).sort(), ['RETRIES', 'SHARED_SECRET']);
      assert.ok(!JSON.stringify(refused.body).includes('too short"'));
      configure({ PORTAL_BACKENDS: `${backends[1]!.url} name=other` });
      assert.equal((await ask('POST', '/api/reload')).status, 200);
      const { services } = (await ask('GET', '/api/state')).body as {
        services: { service: string; backends: { name: string }[] }[];
      };
      assert.equal(services[0]!.backends[0]!.name, 'other');
    });
  });
}
