import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePorts } from './free-port.ts';
import { temporaryFolder } from './gateway.ts';
import { until } from './until.ts';

/**
 * Starts a real HAProxy whose sections `configure` writes for as many free ports as it is to bind;
 * gives the ports. It stops with the test.
 */
export async function startHaproxy(
  t: TestContext,
  count: number,
  configure: (ports: number[]) => string,
): Promise<number[]> {
  const ports = await freePorts(count);
  const file = join(temporaryFolder(t), 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n${configure(ports)}\n`,
  );
  const haproxy = spawn('/usr/sbin/haproxy', ['-db', '-f', file], { stdio: 'pipe' });
  let output = '';
  haproxy.stderr.on('data', (chunk) => {
    output += chunk;
  });
  t.after(async () => {
    if (haproxy.exitCode !== null) return;
    haproxy.kill();
    await once(haproxy, 'exit');
  });
  for (const port of ports) {
    await until('HAProxy listens', async () => {
      if (haproxy.exitCode !== null) throw new Error(`HAProxy ended: ${output}`);
      const socket = connect(port, '127.0.0.1');
      const connected = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      return connected;
    });
  }
  return ports;
}
