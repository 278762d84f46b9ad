import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand } from '../support/command.ts';
import { freePorts } from '../support/free-port.ts';
import { gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { until } from '../support/until.ts';

test('a gateway whose log finds no room on its disk starts, serves and ends in order', async (t) => {
  const backend = await startBackend(t);
  const [portal, admin] = await freePorts(2);
  const settings = {
    ...(await gatewaySettings(t)),
    WORKERS: '2',
    PORTAL_BACKENDS: backend.url,
    PORTAL_PLAIN_LISTEN: `127.0.0.1:${portal}`,
    ADMIN_LISTEN: `127.0.0.1:${admin}`,
  };
  const file = join(temporaryFolder(t), 'dashgate.env');
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  writeFileSync(file, lines.join('\n'));
  const under = ['sh', '-c', 'exec "$@" >/dev/full', 'sh'];
  const { child } = dashgateCommand(t, ['start', '--config', file], {}, { under });
  const ended = once(child, 'exit');
  const statusOf = async (port: number | undefined, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.status;
  };
  await until('it is ready', async () => (await statusOf(admin, '/readyz')) === 200, 20_000);
  for (let n = 0; n < 50; n += 1) assert.equal(await statusOf(portal, '/'), 200);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
