import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ACCEPTED_PER_TURN } from '../../src/gateway/listeners.ts';
import { startAccepting } from '../support/accepting.ts';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { clientHello } from '../support/client-hello.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { listeningFilesOf } from '../support/process-sockets.ts';
import { until } from '../support/until.ts';

const CROWD = 96;

function crowdOf<T>(member: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: CROWD }, member));
}

/** In how many turns of the event loop a crowd is accepted by who has the socket so many times. */
async function turnsFor(t: TestContext, times: number): Promise<number> {
  const { connect, go, turns } = await startAccepting(t, times);
  await crowdOf(() => connect('127.0.0.2'));
  go();
  await until('all are accepted', () => turns.length === CROWD);
  return turns.at(-1)!;
}

test('a crowd in the queue of the kernel is accepted several at a time, and not one in each turn', async (t) => {
  const several = await turnsFor(t, ACCEPTED_PER_TURN);
  assert.ok(several <= (2 * CROWD) / ACCEPTED_PER_TURN, `it took ${several} turns`);
  // Should Node accept more of its own accord one day, one will do.
  const single = await turnsFor(t, 1);
  assert.ok(single >= CROWD / 2, `a single one took ${single} turns`);
});

test('every worker has each of its listening sockets that often', async (t) => {
  const backend = await startBackend(t, (_req, res) => void res.end('page'));
  const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: backend.url });
  const relays = await gateway.relays();
  assert.equal(relays.length, 2);
  for (const { pid } of relays) {
    assert.equal(listeningFilesOf(pid, gateway.port('portal')), ACCEPTED_PER_TURN);
  }
});

test('a handshake is served ahead of a crowd that came before it from another address', async (t) => {
  const certificate = await issue(temporaryFolder(t), 'ec', { names: ['cloud.example'] });
  const { connect, go, turns } = await startAccepting(t, ACCEPTED_PER_TURN, certificate);
  const hello = await clientHello();
  let answered = 0;
  await crowdOf(async () => {
    const socket = await connect('127.0.0.2');
    socket.write(hello);
    socket.once('data', () => {
      answered += 1;
    });
  });
  const user = await connect('127.0.0.3');
  const secured = connectTls({ socket: user, rejectUnauthorized: false });
  go();
  await once(secured, 'secureConnect');
  assert.ok(answered < (2 * CROWD) / 3, `${answered} of the crowd were answered before`);
  assert.equal(turns.length, CROWD + 1);
  await until('the crowd is answered as well', () => answered === CROWD);
});
