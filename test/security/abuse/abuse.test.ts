import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startBackend } from '../../support/backend.ts';
import { freePorts } from '../../support/free-port.ts';
import { fetchTls, startTestGateway } from '../../support/gateway.ts';
import { until } from '../../support/until.ts';
import { abusiveConnections } from './abusive-connections.ts';
import { ATTACKERS } from './attackers/attackers.ts';
import { Attacker } from './attackers/order.ts';
import { ATTACKS } from './attacks.ts';
import { BYSTANDER_ADDRESS } from './bystander.ts';
import type { Findings } from './findings.ts';
import { missed } from './verdict.ts';

const CONNECTIONS = 40;

/** A gateway whose deadlines are short, and an attack of our own against it. */
async function attacked(t: TestContext, name: string) {
  const backend = await startBackend(t, (_req, res) => void res.end('page'));
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: backend.url,
    HANDSHAKE_TIMEOUT: '1s',
    HEADER_TIMEOUT: '1s',
    KEEPALIVE_TIMEOUT: '1s',
  });
  const { port } = gateway.addresses.portal!;
  const attack = ATTACKS.find((one) => one.name === name)!;
  const attacker = new Attacker({
    name,
    addresses: attack.addresses,
    portal: port,
    console: port,
    connections: CONNECTIONS,
    seconds: 10,
    report: '',
  });
  t.after(() => attacker.stop());
  ATTACKERS[name]!(attacker);
  return { attacker, port };
}

for (const name of ['silent-tcp', 'half-hello', 'silent-tls', 'idle-keep-alive']) {
  test(`${name}: all connections are ended in time, and others are served meanwhile`, async (t) => {
    const { attacker, port } = await attacked(t, name);
    await until('all are open', () => attacker.deeds.done === CONNECTIONS, 5_000);
    assert.ok(abusiveConnections([port]) > 0);
    const { status } = await fetchTls(port, '/x', { localAddress: BYSTANDER_ADDRESS });
    assert.equal(status, 200);
    await until('none is left', () => abusiveConnections([port]) === 0, 4_000);
    assert.deepEqual(attacker.deeds.faults, []);
  });
}

test('renegotiation: every one of them is refused', async (t) => {
  const { attacker } = await attacked(t, 'renegotiation');
  await until('all have tried', () => attacker.deeds.done >= CONNECTIONS, 5_000);
  assert.deepEqual(attacker.deeds.faults, []);
});

test('an end of the attackers that has the number of a port by chance is not taken for one of a proxy', async (t) => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [other] = await freePorts(1);
  const client = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2', localPort: other });
  t.after(() => client.destroy());
  await once(client, 'connect');
  assert.equal(abusiveConnections([other!]), 0);
  assert.equal(abusiveConnections([port]), 1);
});

const latency = { p50: 1, p99: 4, worst: 5 };
const MET: Findings = {
  attack: 'silent-tcp',
  proxy: 'dashgate',
  quiet: latency,
  during: { p50: 2, p99: 19, worst: 40 },
  requests: 1_000,
  failures: [],
  held: 1_000,
  goneSeconds: 12,
  memory: { before: 150, peak: 200, after: 190 },
  cpuPercent: 20,
  perSecond: undefined,
  faults: [],
};

test('what misses the target is told', () => {
  const attack = ATTACKS.find(({ name }) => name === MET.attack)!;
  assert.deepEqual(missed(attack, MET), []);
  const wrong: [Partial<Findings>, RegExp][] = [
    [{ during: { ...latency, p99: 21 } }, /^p99 21\.0 ms is above 20\.0 ms$/],
    [{ failures: ['answered 503'] }, /1 requests of the other user failed: answered 503/],
    [{ goneSeconds: undefined }, /were not ended/],
    [{ goneSeconds: 20 }, /gone after 20 s only/],
    [{ memory: { before: 150, peak: 900, after: 150 } }, /memory grew to 900 MiB/],
    [{ memory: { before: 150, peak: 200, after: 400 } }, /memory is 400 MiB afterwards/],
    [{ faults: ['a renegotiation was carried out'] }, /^a renegotiation was carried out$/],
  ];
  for (const [change, told] of wrong) {
    const found = missed(attack, { ...MET, ...change });
    assert.equal(found.length, 1);
    assert.match(found[0]!, told);
  }
});
