import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand, printed } from '../support/command.ts';
import { fetchTls, gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { startMemcached } from '../support/memcached.ts';
import { descendants } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** A fault of a worker, when the test wants it. */
const FAULT = "process.on('SIGWINCH', () => { throw new Error('a fault of the test'); });";

test('what was answered just before a worker fails is in the log', async (t) => {
  const fault = join(temporaryFolder(t), 'fault.mjs');
  writeFileSync(fault, FAULT);
  const backend = await startBackend(t);
  const memcached = await startMemcached(t);
  const command = dashgateCommand(t, ['start'], {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: `${backend.url} name=one`,
    MEMCACHED_SERVERS: memcached.address,
    WORKERS: '1',
    NODE_OPTIONS: `--import ${fault}`,
  });
  await printed(command, '"listener":"portal"');
  const line = command
    .out()
    .split('\n')
    .find((text) => text.includes('"listener":"portal"'));
  const { port } = JSON.parse(line!) as { port: number };
  await until('it serves', async () => (await fetchTls(port, '/first')).status === 200);
  await until('that is logged', () => command.out().includes('"path":"/first"'));
  assert.equal((await fetchTls(port, '/last')).status, 200);
  for (const { pid } of descendants(command.child.pid!)) process.kill(pid, 'SIGWINCH');
  await until('a worker has failed', () => command.err().includes('a fault of the test'));
  await until('its last line is there', () => command.out().includes('"path":"/last"'));
});
