import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { accepts } from './accepts.ts';
import { freePorts } from './free-port.ts';
import { until } from './until.ts';

export interface RunningWebsockify {
  readonly url: string;
  readonly port: number;
  /** What it has written so far. */
  log(): string;
  /** SIGSTOP: the kernel still accepts connections for it, and nothing is answered. */
  pause(): void;
  resume(): void;
  /** SIGKILL, and its children with it; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Where a websockify leads: one target for all, or one for each token. */
export type WebsockifyTarget =
  | { readonly port: number }
  | { readonly tokens: Record<string, number> };

/** Starts Debian's websockify on loopback; resolves when it takes connections. It ends with the test. */
export async function startWebsockify(
  t: TestContext,
  target: WebsockifyTarget,
): Promise<RunningWebsockify> {
  const [port] = (await freePorts(1)) as [number];
  const listen = `127.0.0.1:${port}`;
  const child = spawn('/usr/bin/websockify', await argumentsFor(t, target, listen), {
    // A group of its own: each connection is served by a child.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin', PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-65_536);
    });
  }
  const gone = once(child, 'exit');
  const signal = (name: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, name);
  };
  const end = async () => {
    signal('SIGKILL');
    await gone;
  };
  t.after(end);
  await until(`websockify listens; it said ${log}`, () => accepts('127.0.0.1', port));
  return {
    url: `http://${listen}`,
    port,
    log: () => log,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    kill: async () => {
      await end();
      // A child of it has the listening socket as well, and may be gone a moment later.
      await until('nothing listens in its place', async () => !(await accepts('127.0.0.1', port)));
    },
  };
}

async function argumentsFor(
  t: TestContext,
  target: WebsockifyTarget,
  listen: string,
): Promise<string[]> {
  if ('port' in target) return [listen, `127.0.0.1:${target.port}`];
  const folder = await mkdtemp(join(tmpdir(), 'dashgate-websockify-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'tokens');
  const lines = Object.entries(target.tokens).map(
    ([token, port]) => `${token}: 127.0.0.1:${port}\n`,
  );
  await writeFile(file, lines.join(''));
  return ['--token-plugin', 'TokenFile', '--token-source', file, listen];
}
