import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { kill } from 'node:process';
import type { TestContext } from 'node:test';
import type { WebSocket } from 'ws';
import type { GatewayState } from '../../src/admin/state.ts';
import { SharedControl } from '../../src/gateway/shared-control.ts';
import { silentLogger } from '../../src/log.ts';
import { connectStateNodes } from '../../src/memcached/state-node.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { type Command, dashgateCommand } from './command.ts';
import { freePorts } from './free-port.ts';
import { gatewaySettings } from './gateway.ts';
import { startMemcached } from './memcached.ts';
import { descendants } from './processes.ts';
import { until } from './until.ts';
import { openWebSocket, startWebSocketBackend } from './websocket.ts';

const CONSOLES = ['one', 'two', 'three'];
const WEIGHTS = [2, 1, 1];
/** How long a gateway with its workers may take to start on a busy host. */
const START_MS = 60_000;
/** How many websockets are opened side by side. */
const LANES = 24;

interface GatewayProcess {
  readonly command: Command;
  readonly console: number;
  readonly admin: number;
}

interface Console {
  readonly token: string;
  gateway: GatewayProcess;
  socket: WebSocket;
  backend: string;
}

/**
 * So many consoles over two gateways of two workers each, three backends and three real
 * memcached nodes: they are spread by the weights within `tolerance`, a backend that is drained keeps
 * what it has, and when one gateway is killed all of its consoles go back to their backends through
 * the other.
 */
export async function playConsoles(
  t: TestContext,
  { count, tolerance }: { readonly count: number; readonly tolerance: number },
): Promise<void> {
  const backends = await Promise.all(CONSOLES.map((name) => startWebSocketBackend(t, name)));
  const nodes = await Promise.all(CONSOLES.map(() => startMemcached(t)));
  const entries = backends.map(({ url }, i) => `${url} name=${CONSOLES[i]} weight=${WEIGHTS[i]}`);
  const settings = {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: backends[0]!.url,
    CONSOLE_BACKENDS: entries.join(','),
    CONSOLE_HEALTH_CHECK: 'websocket',
    CONSOLE_HEALTH_PATH: '',
    CONSOLE_PIN_TTL: '10m',
    HEALTH_INTERVAL: '2s',
    // The backends are in this process, which is busy with clients.
    HEALTH_TIMEOUT: '20s',
    MEMCACHED_SERVERS: nodes.map(({ address }) => address).join(','),
    LOG_LEVEL: 'error',
  };
  const gateways = await Promise.all(
    ['a', 'b'].map((name) => startProcess(t, { ...settings, GATEWAY_NAME: name, WORKERS: '2' })),
  );
  const [a, b] = gateways as [GatewayProcess, GatewayProcess];
  await until('they know each other', async () => {
    const states = await Promise.all(gateways.map(stateOf));
    return states.every(({ shared }) => shared?.peers.length === 1);
  });

  const consoles: Console[] = [];
  await inLanes(count, async (i) => {
    const gateway = gateways[i % 2]!;
    const token = randomUUID();
    consoles.push({ token, gateway, ...(await openConsole(t, gateway, token)) });
  });
  assertSpread(consoles, tolerance);

  const operator = await startOperator(
    t,
    entries,
    nodes.map(({ address }) => address),
  );
  operator.decide('console', 'two', { state: 'drain', weight: null });
  await until('both drain it', async () => {
    const states = await Promise.all(gateways.map(stateOf));
    return states.every(({ services }) => services[1]!.backends[1]!.adminState === 'drain');
  });
  for (const gateway of gateways) {
    for (let i = 0; i < 10; i += 1) {
      const { socket, backend } = await openConsole(t, gateway, randomUUID());
      assert.notEqual(backend, 'two');
      socket.terminate();
    }
  }
  assert.ok(
    consoles.every(({ socket }) => socket.readyState === socket.OPEN),
    'none was cut',
  );
  operator.decide('console', 'two', { state: 'ready', weight: null });
  await until('it is back', async () => {
    return (await stateOf(b)).services[1]!.backends[1]!.adminState === 'ready';
  });

  const orphans = consoles.filter(({ gateway }) => gateway === a);
  const ended = orphans.map(
    ({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
  );
  // As its host does when it fails: all of it at once.
  const { pid } = a.command.child;
  for (const process of descendants(pid!)) kill(process.pid, 'SIGKILL');
  kill(pid!, 'SIGKILL');
  await Promise.all(ended);
  await inLanes(orphans.length, async (i) => {
    const orphan = orphans[i]!;
    const { socket, backend } = await openConsole(t, b, orphan.token);
    assert.equal(backend, orphan.backend);
    Object.assign(orphan, { socket, gateway: b });
  });
  assert.ok(consoles.every(({ socket }) => socket.readyState === socket.OPEN));
  const { services } = await stateOf(b);
  assert.equal(services[1]!.tunnels, count);
}

async function startProcess(
  t: TestContext,
  settings: Record<string, string>,
): Promise<GatewayProcess> {
  const [portal, console, admin] = (await freePorts(3)) as [number, number, number];
  const command = dashgateCommand(t, ['start'], {
    ...settings,
    PORTAL_LISTEN: `127.0.0.1:${portal}`,
    CONSOLE_LISTEN: `127.0.0.1:${console}`,
    ADMIN_LISTEN: `127.0.0.1:${admin}`,
  });
  const isReady = async () => {
    const answer = await fetch(`http://127.0.0.1:${admin}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  };
  await until('the gateway is ready', isReady, START_MS);
  return { command, console, admin };
}

/** Somebody who has no clients, and decides for all gateways. */
async function startOperator(
  t: TestContext,
  entries: readonly string[],
  addresses: readonly string[],
): Promise<SharedControl> {
  const nodes = connectStateNodes(addresses);
  const pool = new Pool('console', parseBackends(entries.join(','), assert.fail));
  const control = new SharedControl({
    nodes,
    name: 'operator',
    secret: Buffer.from('of the operator'),
    intervalMs: 200,
    pools: () => [{ service: 'console', backends: pool.backends, sharesRoom: true }],
    onApplied: () => {},
    logger: silentLogger,
  });
  t.after(async () => {
    await control.close();
    for (const node of nodes) node.close();
  });
  await control.start();
  return control;
}

async function openConsole(
  t: TestContext,
  gateway: GatewayProcess,
  token: string,
): Promise<Pick<Console, 'socket' | 'backend'>> {
  const { socket, greeting } = await openWebSocket(t, gateway.console, `/?token=${token}`);
  socket.on('error', () => {});
  return { socket, backend: greeting };
}

async function stateOf({ admin }: GatewayProcess): Promise<GatewayState> {
  return (await (await fetch(`http://127.0.0.1:${admin}/api/state`)).json()) as GatewayState;
}

function assertSpread(consoles: readonly Console[], tolerance: number): void {
  const sum = WEIGHTS.reduce((a, b) => a + b);
  for (const [i, name] of CONSOLES.entries()) {
    const got = consoles.filter(({ backend }) => backend === name).length;
    const wanted = (consoles.length * WEIGHTS[i]!) / sum;
    assert.ok(
      Math.abs(got - wanted) <= wanted * tolerance,
      `${name} has ${got} instead of ${wanted} of ${consoles.length}`,
    );
  }
}

async function inLanes(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
