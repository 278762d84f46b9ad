import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand, printed } from '../support/command.ts';
import { freePorts } from '../support/free-port.ts';
import { fetchTls, gatewaySettings } from '../support/gateway.ts';
import { openFilesOf } from '../support/process-sockets.ts';
import { openTls } from '../support/tls-client.ts';
import { until } from '../support/until.ts';

const OPEN_FILES = 256;
const CLIENTS = 1_000;

test('a gateway with too few open files for its clients lives, and serves again when they go', async (t) => {
  const backend = await startBackend(t);
  const [portal, admin] = (await freePorts(2)) as [number, number];
  const settings = {
    ...(await gatewaySettings(t)),
    PORTAL_LISTEN: `127.0.0.1:${portal}`,
    PORTAL_BACKENDS: backend.url,
    ADMIN_LISTEN: `127.0.0.1:${admin}`,
    HEALTH_INTERVAL: '200ms',
    HEALTH_FALL: '1',
    // A thousand handshakes may keep a busy host from answering sooner.
    HEALTH_TIMEOUT: '10s',
    HEALTH_RISE: '1',
  };
  const command = dashgateCommand(t, ['start'], settings, { openFiles: OPEN_FILES });
  await printed(command, '"listener":"admin"');
  const pid = command.child.pid!;

  let secured = 0;
  let closed = 0;
  const clients = Array.from({ length: CLIENTS }, () => {
    const client = openTls(portal);
    client.tls.once('secureConnect', () => {
      secured += 1;
    });
    client.tls.once('close', () => {
      closed += 1;
    });
    t.after(() => client.tls.destroy());
    return client;
  });
  await until('each is let in or turned away', () => secured + closed >= CLIENTS);
  assert.equal(secured, (OPEN_FILES - 96) / 2, 'two files for each, and a reserve');
  assert.ok(closed > CLIENTS / 2, `${closed} were turned away`);
  assert.ok(openFilesOf(pid) < OPEN_FILES, 'some are left for what is not a client');
  assert.equal((await fetch(`http://127.0.0.1:${admin}/readyz`)).status, 200);

  for (const { tls } of clients) tls.destroy();
  await until('the gateway serves again', async () => {
    const answer = await fetchTls(portal, '/x').catch(() => undefined);
    return answer?.status === 200;
  });
  assert.equal(command.child.exitCode, null);
  const told = command.out().match(/.*too many are connected.*/g) ?? [];
  assert.equal(told.length, 1, told.join());
  assert.match(told[0]!, /LimitNOFILE/);
  assert.doesNotMatch(command.out(), /backend is down/);
  command.child.kill('SIGTERM');
  assert.equal(await command.exit, 0, command.err());
});
