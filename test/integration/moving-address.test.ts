import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBackend } from '../support/backend.ts';
import { fetchTls, startTestGateway } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { recordingLogger } from '../support/log.ts';
import { ip, isInNamespace, testInNamespace } from '../support/namespace.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const MOVING = '10.99.0.1';
const PORTAL = { PORTAL_LISTEN: `${MOVING}:8443` };
const WAITS = 'the address is not on this host: the listener is bound as soon as it comes';

const come = () => ip('address', 'add', `${MOVING}/32`, 'dev', 'lo');
const leave = () => ip('address', 'del', `${MOVING}/32`, 'dev', 'lo');

/** Whether the portal answers at the address that moves. */
async function answers(port = 8443): Promise<boolean> {
  // Nobody accepts from a socket that a process has lost: that is to fail, not to hang.
  const signal = AbortSignal.timeout(5_000);
  const answer = await fetchTls(port, '/x', { host: MOVING, signal }).catch(() => undefined);
  return answer?.status === 200;
}

async function readiness(port: number): Promise<string> {
  return (
    await fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: 'close' } })
  ).text();
}

if (!isInNamespace()) {
  test('listeners whose address moves between hosts', () =>
    testInNamespace(fileURLToPath(import.meta.url)));
} else {
  ip('link', 'set', 'lo', 'up');

  test('a gateway starts without its address, says so, and serves within a second of its coming', async (t) => {
    const backend = await startBackend(t);
    const novnc = await startWebSocketBackend(t, 'one');
    const gateway = await startGatewayProcess(t, {
      ...PORTAL,
      PORTAL_BACKENDS: backend.url,
      CONSOLE_LISTEN: '127.0.0.1:0',
      CONSOLE_BACKENDS: novnc.url,
      CONSOLE_HEALTH_PATH: '/',
    });
    const admin = gateway.port('admin');
    await until('it is ready', async () => (await gateway.state()).ready);
    assert.equal(await readiness(admin), `ready\nportal waits for ${MOVING}:8443\n`);
    const [told] = gateway.logged(WAITS);
    assert.equal(told?.level, 'warn');
    assert.match(String(told?.remedy), /else correct PORTAL_LISTEN/);
    const { socket } = await openWebSocket(t, gateway.port('console'));
    const workers = (await gateway.relays()).map(({ pid }) => pid);

    await comeAndServe();
    assert.equal(await readiness(admin), 'ready\n');
    assert.equal(gateway.logged(WAITS).length, 1, 'it is told once');
    assert.deepEqual(
      (await gateway.relays()).map(({ pid }) => pid),
      workers,
      'those who serve a console stay',
    );
    socket.send('still there');
    assert.equal(String((await once(socket, 'message'))[0]), 'still there');
    await servedByBoth(gateway, workers);

    process.kill(workers[0]!, 'SIGKILL');
    await until('another one serves', async () => {
      const relays = await gateway.relays();
      return relays.every(({ pid, state }) => pid !== workers[0] && state === 'serving');
    });
    await servedByBoth(
      gateway,
      (await gateway.relays()).map(({ pid }) => pid),
    );

    leave();
    assert.equal((await gateway.reload({ RETRIES: '2' })).msg, 'the configuration was read anew');
    assert.equal((await gateway.state()).ready, true);
    come();
    assert.ok(await answers(), 'it was never unbound');
    leave();
    await upgrade(gateway);
    come();
    assert.ok(await answers(), 'whoever took over has it, too');
    leave();
  });

  test('a gateway that is replaced while it waits leaves the waiting to the next one', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { ...PORTAL, PORTAL_BACKENDS: backend.url });
    await upgrade(gateway);
    await comeAndServe();
    leave();
  });

  test('every listener of a gateway in one process waits for its address', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startTestGateway(t, {
      ...PORTAL,
      PORTAL_BACKENDS: backend.url,
      PORTAL_REDIRECT_LISTEN: `${MOVING}:8080`,
      CACHE_LISTEN: `${MOVING}:11210`,
      ADMIN_LISTEN: `${MOVING}:9090`,
      ADMIN_TOKEN: 't'.repeat(32),
    });
    assert.deepEqual(gateway.addresses, {});
    await comeAndServe();
    assert.deepEqual(Object.keys(gateway.addresses), ['portal', 'redirect', 'cache', 'admin']);
    const answer = await fetch(`http://${MOVING}:8080/x`, { redirect: 'manual' });
    assert.equal(answer.headers.get('location'), `https://${MOVING}:8443/x`);
    assert.equal((await fetch(`http://${MOVING}:9090/healthz`)).status, 200);
    leave();
  });

  test('a session cache waits for its address, too', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, {
      PORTAL_BACKENDS: backend.url,
      CACHE_LISTEN: `${MOVING}:11210`,
    });
    assert.ok((await gateway.state()).workers.every(({ kind }) => kind === 'relay'));
    come();
    await until('it serves', async () =>
      (await gateway.state()).workers.some(
        ({ kind, state }) => kind === 'cache' && state === 'serving',
      ),
    );
    leave();
  });

  test('what serves is not let go for an address that is not here', async (t) => {
    const backend = await startBackend(t);
    const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
    const told = await gateway.reload(PORTAL);
    assert.equal(told.msg, 'the configuration stays as it was');
    assert.match(String(told.detail), /PORTAL_LISTEN=10\.99\.0\.1:8443 is not an address of this/);
    assert.equal((await fetchTls(gateway.port('portal'), '/x')).status, 200);
  });

  test('an address that comes with its port in use is told of, and bound when it is free', async (t) => {
    const backend = await startBackend(t);
    const { logger, lines } = recordingLogger();
    await startTestGateway(t, { ...PORTAL, PORTAL_BACKENDS: backend.url }, logger);
    const other = createServer().listen(8443, '0.0.0.0');
    await once(other, 'listening');
    come();
    const inUse = () => lines.filter(({ detail }) => /is in use by another/.test(String(detail)));
    await until('it is told', () => inUse().length > 0);
    other.close();
    await until('it serves', () => answers());
    assert.equal(inUse().length, 1);
    leave();
  });
}

async function comeAndServe(): Promise<void> {
  come();
  const came = performance.now();
  await until('it serves', () => answers());
  const took = performance.now() - came;
  assert.ok(took < 1_000, `it took ${Math.round(took)} ms`);
}

async function servedByBoth(gateway: GatewayProcess, workers: readonly number[]): Promise<void> {
  await until('both have served', async () => {
    assert.ok(await answers());
    const pids = gateway.logged('request').map(({ pid }) => pid);
    return workers.every((pid) => pids.includes(pid));
  });
}

async function upgrade(gateway: GatewayProcess): Promise<void> {
  gateway.command.child.kill('SIGUSR2');
  const told = 'it serves; this process ends when its clients have';
  await until('another process serves', () => gateway.logged(told).length === 1, 60_000);
}
