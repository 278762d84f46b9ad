import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { accepts } from './accepts.ts';
import { freePorts } from './free-port.ts';

export interface RunningMemcached {
  /** `host:port`, as a node is written. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /**
   * SIGSTOP; resolves when every thread stands still. Connections are still accepted, by the
   * kernel, and nothing is answered.
   */
  pause(): Promise<void>;
  resume(): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>;
}

export interface MemcachedOptions {
  /** 127.0.0.1 unless told. */
  readonly host?: string;
  /** A free port unless told; told, to restart where one was. */
  readonly port?: number;
  readonly megabytes?: number;
  readonly extraArguments?: readonly string[];
  /** Of its environment. */
  readonly variables?: Readonly<Record<string, string>>;
}

const MEMCACHED = '/usr/bin/memcached';
const START_DEADLINE_MS = 10_000;

/**
 * Starts the real memcached on loopback; resolves when it accepts connections. It ends with the
 * test whose context is `t`.
 */
export async function startMemcached(
  t?: { after(hook: () => unknown): void },
  options: MemcachedOptions = {},
): Promise<RunningMemcached> {
  const host = options.host ?? '127.0.0.1';
  if (options.port !== undefined) return startOn(host, options.port, options, t);
  for (;;) {
    const [port] = (await freePorts(1, host)) as [number];
    try {
      return await startOn(host, port, options, t);
    } catch (error) {
      // Another test was quicker.
      if (!messageOf(error).includes('already in use')) throw error;
    }
  }
}

async function startOn(
  host: string,
  port: number,
  options: MemcachedOptions,
  t?: { after(hook: () => unknown): void },
): Promise<RunningMemcached> {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const directory = await mkdtemp(join(tmpdir(), 'dashgate-memcached-'));
  const portFile = join(directory, 'port');
  // Started by root it wants another user to be (-u), and it is that user who writes the file.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  await chmod(directory, 0o777);
  const memory = String(options.megabytes ?? 16);
  const child = spawn(
    MEMCACHED,
    [
      ...user,
      '-l',
      bracketed,
      '-p',
      String(port),
      '-U',
      '0',
      '-m',
      memory,
      ...(options.extraArguments ?? []),
    ],
    {
      env: { ...options.variables, MEMCACHED_PORT_FILENAME: portFile },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const gone = once(child, 'exit').then(() => {});
  const end = (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return gone;
  };
  t?.after(() => end('SIGKILL'));
  try {
    await listening(child, host, portFile);
    return {
      address: `${bracketed}:${port}`,
      host,
      port,
      pid: child.pid!,
      pause: () => {
        child.kill('SIGSTOP');
        return stopped(child.pid!);
      },
      resume: () => void child.kill('SIGCONT'),
      kill: () => end('SIGKILL'),
      stop: () => end('SIGTERM'),
    };
  } catch (error) {
    await end('SIGKILL');
    throw new Error(`${MEMCACHED} did not start: ${complaint.trim()}`, { cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Polls for the port file and a connection; memcached has no other sign of being ready. */
async function listening(child: ChildProcess, host: string, portFile: string): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error(`not ready within ${START_DEADLINE_MS} ms`);
    const text = await readFile(portFile, 'utf8').catch(() => '');
    const port = Number(/^TCP INET6?: (\d+)$/m.exec(text)?.[1]);
    if (port > 0 && (await accepts(host, port))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A signal is acted on some time after it was sent; the kernel tells when, in no other way. */
async function stopped(pid: number): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const threads = await readdir(`/proc/${pid}/task`);
    const stats = await Promise.all(
      threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')),
    );
    if (stats.every((stat) => /\) T /.test(stat))) return;
    if (performance.now() > deadline) throw new Error(`process ${pid} did not stop`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
