import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { AdminClient, AdminError } from '../../src/admin-client/admin-client.ts';
import { runReload } from '../../src/admin-client/commands.ts';
import { statusText } from '../../src/admin-client/status-report.ts';
import { adminTarget } from '../../src/admin-client/target.ts';
import { type AdminAnswerer, startAdminServer } from '../support/admin-server.ts';
import { freePorts } from '../support/free-port.ts';
import { gatewayState } from '../support/gateway-state.ts';

const TOKEN = 'a-token-of-at-least-thirty-two-characters';

async function stage(t: TestContext, answer: AdminAnswerer, token?: string, answerMs = 30_000) {
  const server = await startAdminServer(t, answer);
  const settings = {
    ADMIN_LISTEN: { host: '::', port: server.port },
    ADMIN_TOKEN: token,
    ADMIN_TLS: false,
  };
  const client = new AdminClient(adminTarget(settings), { answerMs, reloadMs: answerMs });
  return { ...server, client };
}

function failureOf(promise: Promise<unknown>): Promise<AdminError> {
  return promise.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => {
      assert.ok(error instanceof AdminError, String(error));
      return error;
    },
  );
}

test('a change brings the token for programs, and the one that the gateway gives', async (t) => {
  const { client, calls } = await stage(
    t,
    ({ path }) =>
      path === '/api/csrf'
        ? [200, { token: 'genuine' }]
        : [200, { service: 'portal', backend: 'x', admin: 'drain', weight: 3, scope: 'gateway' }],
    TOKEN,
  );
  const decided = await client.decide('portal', '[::1]:80/?#', {
    admin: 'drain',
    scope: 'gateway',
  });
  assert.deepEqual(decided, { admin: 'drain', weight: 3, scope: 'gateway' });
  const [csrf, change] = calls;
  assert.equal(csrf!.path, '/api/csrf');
  assert.equal(change!.method, 'POST');
  assert.equal(change!.path, '/api/services/portal/backends/%5B%3A%3A1%5D%3A80%2F%3F%23');
  assert.equal(change!.headers['x-csrf-token'], 'genuine');
  assert.equal(change!.headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(change!.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(change!.body), { admin: 'drain', scope: 'gateway' });
});

test('a gateway that gives no token is asked without one', async (t) => {
  const { client, calls } = await stage(t, ({ path }) =>
    path === '/api/csrf' ? [404, 'Cannot GET'] : [200, { message: 'it was read anew' }],
  );
  assert.equal(await client.reload(), 'it was read anew');
  assert.equal(calls[1]!.headers['x-csrf-token'], undefined);
  assert.equal(calls[1]!.headers.authorization, undefined);
});

test('who is not let in is told of ADMIN_TOKEN, which is not shown', async (t) => {
  const { client } = await stage(
    t,
    () => [401, { error: 'the token is wrong', remedy: 'x' }],
    TOKEN,
  );
  for (const asked of [client.state(), client.reload()]) {
    const { kind, message, remedy } = await failureOf(asked);
    assert.deepEqual([kind, message], ['unanswered', 'the token is wrong']);
    assert.match(remedy!, /set ADMIN_TOKEN/);
    assert.ok(!`${message}${remedy}`.includes(TOKEN));
  }
});

test('what the gateway will not have is told in its own words', async (t) => {
  const cases = [
    [400, 'rejected'],
    [403, 'unanswered'],
    [404, 'rejected'],
    [409, 'rejected'],
    [429, 'unanswered'],
    [503, 'rejected'],
  ] as const;
  for (const [status, kind] of cases) {
    const { client } = await stage(t, ({ path }) =>
      path === '/api/csrf' ? [200, {}] : [status, { error: 'no such backend', remedy: 'look' }],
    );
    const error = await failureOf(client.decide('portal', 'x', { weight: null, scope: 'all' }));
    assert.deepEqual([error.kind, error.message, error.remedy], [kind, 'no such backend', 'look']);
  }
});

test('a reload that is refused lists what is wrong, and no value', async (t) => {
  const { client } = await stage(t, ({ path }) =>
    path === '/api/csrf'
      ? [200, {}]
      : [
          422,
          {
            error: 'The configuration has a problem:\n  RETRIES=many is not a whole number',
            remedy: 'mend it',
            findings: [
              { name: 'RETRIES', value: 'se\x1bcret', problem: 'is not a whole number' },
              7,
            ],
          },
        ],
  );
  assert.deepEqual(await runReload(client), {
    code: 1,
    out: '',
    err: 'dashgate: The configuration has a problem:\n  RETRIES is not a whole number\n  → mend it\n',
  });
});

test('an answer that no gateway gives is told as such', async (t) => {
  const state = gatewayState();
  for (const answer of [
    [200, '<!doctype html>'],
    [200, ''],
    [200, []],
    [200, { ...state, services: 'none' }],
    [303, 'See /login'],
    [404, 'Cannot GET /api/state'],
    [500, { error: { deep: true } }],
  ] as const) {
    const { client } = await stage(t, () => answer);
    const { kind, remedy } = await failureOf(client.state());
    assert.equal(kind, 'unanswered', JSON.stringify(answer));
    assert.match(remedy!, /\S/);
  }
  const { client } = await stage(t, () => [200, 'x'.repeat(5 * 1024 * 1024)]);
  assert.match((await failureOf(client.state())).message, /its answer does not end/);
});

test('a gateway that is silent is given up, and a change may have been made', async (t) => {
  const silent: AdminAnswerer = ({ path }) => (path === '/api/csrf' ? [200, {}] : undefined);
  const { client } = await stage(t, silent, undefined, 300);
  const asked = await failureOf(client.state());
  assert.match(asked.message, /has not answered within 0\.3 s/);
  assert.equal(asked.remedy, 'see the log of the gateway');
  const changed = await failureOf(client.reload());
  assert.equal(changed.kind, 'unanswered');
  assert.match(changed.remedy!, /may have been done/);
});

test('where nothing listens, and where no TLS is spoken, the remedy says so', async (t) => {
  const settings = { ADMIN_LISTEN: undefined, ADMIN_TOKEN: undefined, ADMIN_TLS: false };
  const nobody = new AdminClient(
    adminTarget(settings, `http://127.0.0.1:${(await freePorts(1))[0]}`),
  );
  const refused = await failureOf(nobody.state());
  assert.match(refused.message, /cannot be asked \(.*ECONNREFUSED/);
  assert.match(refused.remedy!, /--admin/);
  const { port } = await startAdminServer(t, () => [200, gatewayState()]);
  const plain = new AdminClient(adminTarget(settings, `https://127.0.0.1:${port}`));
  assert.match((await failureOf(plain.state())).remedy!, /write http:\/\//);
});

test('what a state has that is none is told, not stumbled over', async (t) => {
  const state = gatewayState();
  const node = { node: 'x:1', state: 'full', reachable: true };
  for (const odd of [
    { cache: { sure: true, nodes: [{ ...node, facts: { version: 5 } }] } },
    { cache: { sure: true, nodes: [{ ...node, reachable: false, error: {} }] } },
    { shared: { name: 'a', peers: [], decisions: [{ ...DECISION, by: { toString: 1 } }] } },
  ]) {
    const { client } = await stage(t, () => [200, { ...state, ...odd }]);
    assert.equal((await failureOf(client.state())).kind, 'unanswered', JSON.stringify(odd));
  }
  const { client } = await stage(t, () => [200, { ...state, uptimeSeconds: null }]);
  const text = statusText(await client.state(), { address: 'x', colours: false });
  assert.ok(!text.includes('null'), text);
});

const DECISION = { subject: 'portal/x', state: 'drain', weight: null, scope: 'cluster' };

test('a port that changes protocols is no gateway', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
  });
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const settings = { ADMIN_LISTEN: undefined, ADMIN_TOKEN: undefined, ADMIN_TLS: false };
  const client = new AdminClient(adminTarget(settings, `http://127.0.0.1:${port}`));
  assert.match((await failureOf(client.state())).message, /changes protocols unasked/);
});
