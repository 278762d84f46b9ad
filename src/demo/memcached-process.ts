import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from './part-process.ts';

/** How long memcached may take to listen, in ms. */
const START_MS = 10_000;
const POLL_MS = 10;

/**
 * memcached does not notice that its parent is gone. The shell around it does: its standard input
 * ends.
 */
const SCRIPT = 'memcached "$@" </dev/null & node=$!; read -r _; kill "$node"';

/**
 * Runs the real memcached on a free port of loopback. It ends with this process, however this one
 * ends.
 * @throws Error where it does not start.
 */
export async function runMemcached(path: string | undefined): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-demo-'));
  const portFile = join(folder, 'port');
  // It picks a port by itself and tells it in a file: nobody can take the port in between.
  const args = ['-l', '127.0.0.1', '-p', '-1', '-U', '0', '-m', '64'];
  if (process.getuid?.() === 0) args.push('-u', 'root');
  const child = spawn('sh', ['-c', SCRIPT, 'sh', ...args], {
    stdio: ['pipe', 'ignore', 'inherit'],
    // A group of its own: Ctrl-C is for the demo, which then stops its parts in order.
    detached: true,
    env: { PATH: path, MEMCACHED_PORT_FILENAME: portFile },
  });
  const stop = async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  };
  try {
    return { address: `127.0.0.1:${await readPort(portFile)}`, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readPort(file: string): Promise<number> {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await delay(POLL_MS)) {
    const port = /^TCP INET: (\d+)$/m.exec(readIfThere(file))?.[1];
    if (port) return Number(port);
  }
  throw new Error(`memcached did not start within ${START_MS} ms; see what it printed above`);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
