import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { fetchTls } from '../support/gateway.ts';
import { killIfThere, startGatewayProcess } from '../support/gateway-process.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const FILTER = new URL('../support/under-unit-filter.py', import.meta.url).pathname;
const UNIT = new URL('../../packaging/systemd/dashgate.service', import.meta.url).pathname;

test('the gateway serves, reloads and is replaced with the system calls of its unit alone', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startGatewayProcess(
    t,
    { PORTAL_BACKENDS: backend.url },
    {},
    { under: ['/usr/bin/python3', FILTER, UNIT] },
  );
  const [worker] = await gateway.relays();
  for (const pid of [gateway.command.child.pid, worker!.pid]) {
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Seccomp:\t2$/m, 'it is filtered');
  }
  assert.equal((await fetchTls(gateway.port('portal'), '/x')).status, 200);
  assert.equal((await gateway.reload()).msg, 'the configuration was read anew');
  const ended = once(gateway.command.child, 'exit');
  gateway.command.child.kill('SIGUSR2');
  const serves = 'it serves; this process ends when its clients have';
  await until('another process serves', () => gateway.logged(serves).length === 1, 60_000);
  const [{ successor }] = gateway.logged('another process is to take the place of this one') as [
    { successor: number },
  ];
  t.after(() => killIfThere(successor));
  assert.deepEqual(await ended, [0, null]);
  assert.equal((await fetchTls(gateway.port('portal'), '/x')).status, 200);
  process.kill(successor, 'SIGTERM');
  await until('the new one ends as well', () => !isRunning(successor));
});
