import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';
import type { ListeningProxy } from './proxy.ts';

export interface Daemon {
  readonly command: string;
  /** Its arguments, given the file that `config` was written to. */
  readonly args: (file: string) => string[];
  /** The text of its configuration, given the port to listen on and a folder of its own. */
  readonly config: (port: number, folder: string) => string;
}

/** Starts a proxy as a process in the foreground; it is killed when the case is over. */
export async function startDaemon(
  daemon: Daemon,
  onStop: (cleanup: () => unknown) => void,
): Promise<ListeningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-conformance-'));
  onStop(() => rmSync(folder, { recursive: true, force: true }));
  const [port = 0] = await freePorts(1);
  const file = join(folder, 'proxy.conf');
  writeFileSync(file, daemon.config(port, folder));
  const child = spawn(daemon.command, daemon.args(file), { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  const exited = once(child, 'exit');
  onStop(() => {
    child.kill('SIGKILL');
    return exited;
  });
  await Promise.race([
    until(`${daemon.command} listens`, () => isListening(port)),
    exited.then(() => {
      throw new Error(`${daemon.command} did not start: ${complaint}`);
    }),
  ]);
  return { port, tls: false };
}

/** The line in which a program tells its version; some tell it on standard error. */
export function versionLine(command: string, argument: string): string {
  const { stdout, stderr, error } = spawnSync(command, [argument], { encoding: 'utf8' });
  if (error) {
    throw new Error(`${command} cannot be run; remedy: sh test/support/debian-packages.sh`, {
      cause: error,
    });
  }
  return `${stdout}${stderr}`.split('\n', 1)[0] ?? '';
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
