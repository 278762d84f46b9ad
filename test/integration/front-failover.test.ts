import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import { describe, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { FRONTS, type Front } from '../support/front.ts';
import { fetchTls } from '../support/gateway.ts';
import { until } from '../support/until.ts';

for (const { name, start } of FRONTS) {
  describe(name, () => suite(start));
}

function suite(start: Front['start']) {
  const slowChecks = { HEALTH_INTERVAL: '1h' };

  test('a request goes to another backend when its own cannot be reached, whatever the method', async (t) => {
    const dead = await startBackend(t);
    const alive = await startBackend(t, (req, res) => void req.pipe(res));
    const gateway = await start(t, {
      ...slowChecks,
      PORTAL_BACKENDS: `${dead.url},${alive.url}`,
      HEALTH_FALL: '100',
    });
    await dead.kill();
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      for (let i = 0; i < 4; i++) {
        const body = method === 'GET' ? '' : 'x'.repeat(100_000);
        const headers = { 'content-length': body.length };
        const { port } = gateway.addresses.portal!;
        const answer = await fetchTls(port, '/x', { method, body, headers });
        assert.deepEqual([answer.status, answer.body], [200, body]);
      }
    }
  });

  test('a GET is sent again when its backend dies before answering; a POST is not', async (t) => {
    const dying = await startBackend(t, (req) => void req.resume().socket.destroy());
    const alive = await startBackend(t, (_req, res) => void res.end('alive'));
    const gateway = await start(t, {
      ...slowChecks,
      PORTAL_BACKENDS: `${dying.url} weight=100,${alive.url}`,
    });
    const { port } = gateway.addresses.portal!;
    const get = await fetchTls(port, '/x');
    assert.deepEqual([get.status, get.body], [200, 'alive']);
    assert.equal(dying.requests.length, 1);
    const post = await fetchTls(port, '/x', { method: 'POST', body: 'order=1' });
    assert.equal(post.status, 502);
    assert.equal(dying.requests.length, 2);
    assert.equal(alive.requests.length, 1);
  });

  test('an idle connection that the backend has closed costs no request', async (t) => {
    const backend = await startBackend(t);
    const gateway = await start(t, { ...slowChecks, PORTAL_BACKENDS: backend.url });
    const { port } = gateway.addresses.portal!;
    for (let i = 0; i < 20; i++) {
      assert.equal((await fetchTls(port, '/x')).status, 200);
      backend.server.closeIdleConnections();
    }
    assert.equal(backend.requests.length, 20);
  });

  test('an answer that breaks off is seen to break off', async (t) => {
    const backend = await startBackend(t, (_req, res) => {
      res.writeHead(200, { 'content-length': 1000 });
      res.write('half', () => res.destroy());
    });
    const gateway = await start(t, { ...slowChecks, PORTAL_BACKENDS: backend.url });
    await assert.rejects(fetchTls(gateway.addresses.portal!.port, '/x'), { message: /aborted/ });
  });

  test('a backend that is silent is a 504, one that talks nonsense a 502, none at all a 503', async (t) => {
    const silent = await startBackend(t, () => {});
    const nonsense = await startBackend(t, (req) => void req.socket.end('SSH-2.0-x\r\n\r\n'));
    const statusOf = async (backend: string) => {
      const settings = { ...slowChecks, PORTAL_BACKENDS: backend, SERVER_TIMEOUT: '200ms' };
      const gateway = await start(t, settings);
      return (await fetchTls(gateway.addresses.portal!.port, '/x')).status;
    };
    assert.equal(await statusOf(silent.url), 504);
    assert.equal(silent.requests.length, 1, 'what is slow here is not made slow elsewhere');
    assert.equal(await statusOf(nonsense.url), 502);
    await silent.kill();
    assert.equal(await statusOf(silent.url), 503);
  });

  test('a client that goes away takes its request along', async (t) => {
    const closed: IncomingMessage[] = [];
    const backend = await startBackend(t, (req, res) => {
      res.once('close', () => closed.push(req));
    });
    const gateway = await start(t, { ...slowChecks, PORTAL_BACKENDS: backend.url });
    const leaver = new AbortController();
    const answer = fetchTls(gateway.addresses.portal!.port, '/x', { signal: leaver.signal });
    await until('the backend has the request', () => backend.requests.length === 1);
    leaver.abort();
    await assert.rejects(answer, { name: 'AbortError' });
    await until('the backend is told', () => closed.length === 1);
  });

  test('a backend at its maxconn makes requests wait, and a full queue is a 503 to come back', async (t) => {
    const waiting: (() => void)[] = [];
    const backend = await startBackend(t, (_req, res) => {
      waiting.push(() => res.end('done'));
    });
    const gateway = await start(t, {
      ...slowChecks,
      PORTAL_BACKENDS: `${backend.url} maxconn=1`,
      QUEUE_LIMIT: '1',
    });
    const { port } = gateway.addresses.portal!;
    const answers = [fetchTls(port, '/1')];
    await until('the first is being served', () => waiting.length === 1);
    answers.push(fetchTls(port, '/2'));
    await until('the second waits', async () => {
      const refused = await fetchTls(port, '/3', { headers: { accept: 'application/json' } });
      if (refused.status !== 503) return false;
      assert.equal(JSON.parse(refused.body).error, 'queueTimeout');
      assert.equal(refused.headers['retry-after'], '5');
      return true;
    });
    waiting.shift()!();
    await until('the second is being served', () => waiting.length === 1);
    waiting.shift()!();
    assert.deepEqual(
      (await Promise.all(answers)).map(({ body }) => body),
      ['done', 'done'],
    );
  });

  test('under a steady load a backend that is killed costs no request, and takes work again after', async (t) => {
    const backends = [await startBackend(t), await startBackend(t), await startBackend(t)];
    const gateway = await start(t, {
      PORTAL_BACKENDS: backends.map(({ url }) => url).join(','),
    });
    const { port } = gateway.addresses.portal!;
    const agent = new Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: false });
    t.after(() => agent.destroy());
    const statuses = new Map<number, number>();
    let stop = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const { status } = await fetchTls(port, '/x', { agent });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    const [victim] = backends;
    const served = () => victim!.requests.length;
    await until('the victim works', () => served() > 50);
    await victim!.kill();
    const before = [...statuses.values()].reduce((a, b) => a + b, 0);
    await until('the others go on', () => (statuses.get(200) ?? 0) > before + 200);
    const atRest = served();
    await victim!.revive();
    await until('the victim works again', () => served() > atRest + 20);
    stop = true;
    await Promise.all(clients);
    assert.deepEqual([...statuses.keys()], [200]);
  });
}
