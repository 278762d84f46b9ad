import { type ChildProcess, fork } from 'node:child_process';
import { isIP } from 'node:net';
import type { Environment } from '../config.ts';

/** What became of a name: its addresses, or why there are none. */
export type Lookup =
  | { readonly addresses: readonly string[]; readonly error?: undefined }
  | {
      readonly addresses?: undefined;
      readonly error: string;
      /** No name server said so: none has answered. */
      readonly unanswered?: boolean;
    };

/** By host, as it is written in the configuration. */
export type Addresses = ReadonlyMap<string, Lookup>;

/** What the process that resolves tells of one name. */
export interface LookupNews {
  readonly host: string;
  readonly lookup: Lookup;
}

const PROGRAM = new URL('./name-lookup-process.ts', import.meta.url).pathname;
const MAX_THREADS = 128;

/**
 * Resolves hosts as the gateway does (getaddrinfo: /etc/hosts too). That cannot be called off, and a
 * process does not end before it has, which with a silent name server takes half a minute: so another
 * process does it, which is killed when its time is over. Each name takes one of its threads.
 */
export async function resolveNames(
  hosts: readonly string[],
  { env, timeoutMs }: { readonly env: Environment; readonly timeoutMs: number },
): Promise<Addresses> {
  const lookups = new Map<string, Lookup>();
  const names: string[] = [];
  for (const host of new Set(hosts)) {
    if (isIP(host) === 0) names.push(host);
    else lookups.set(host, { addresses: [host] });
  }
  if (names.length === 0) return lookups;
  const threads = String(Math.min(names.length + 1, MAX_THREADS));
  const child = fork(PROGRAM, [], {
    env: { ...env, UV_THREADPOOL_SIZE: threads },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  try {
    await answersOf(child, names, lookups, timeoutMs);
  } finally {
    child.kill('SIGKILL');
  }
  for (const name of names) {
    if (lookups.has(name)) continue;
    const error = `it was not resolved within ${timeoutMs} ms`;
    lookups.set(name, { error, unanswered: true });
  }
  return lookups;
}

/** Resolves when all have been told, when there is nobody to tell any more, or when time is over. */
function answersOf(
  child: ChildProcess,
  names: readonly string[],
  lookups: Map<string, Lookup>,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    child.on('message', ({ host, lookup }: LookupNews) => {
      lookups.set(host, lookup);
      if (names.every((name) => lookups.has(name))) done();
    });
    child.on('error', done).on('exit', done);
    child.send(names, (error) => {
      if (error) done();
    });
  });
}
