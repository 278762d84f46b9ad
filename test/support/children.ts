import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pinning } from '../bench/cores.ts';
import { accepts } from './accepts.ts';
import { descendants } from './processes.ts';
import { until } from './until.ts';

const STOP_DEADLINE_MS = 3_000;
const START_DEADLINE_MS = 20_000;

/** A program of the bench that runs until it is stopped. */
export interface Child {
  readonly pid: number;
  /** Resolves when it listens on the port; rejects, with what it said, when it ends before. */
  listening(port: number): Promise<void>;
  /** Throws, with what it said, if it has ended. */
  assertRunning(): void;
  /** Whether it still runs. */
  running(): boolean;
  /** SIGTERM, then SIGKILL; resolves when it and all below it are gone. */
  stop(): Promise<void>;
  /** SIGKILL to it and all below it, at once; resolves when it is gone. */
  kill(): Promise<void>;
  /** Sends it, and all below it, a signal. */
  signal(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  readonly core: Pinning;
  /** Its whole environment beside PATH. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Everything that the bench has started, so that nothing of it outlives the bench. */
export class Children {
  readonly #folder: string;
  readonly #running = new Set<ChildProcess>();
  #count = 0;

  /** What the programs say on standard error is kept in files of `folder`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Starts a program with standard output to /dev/null. Should the bench be killed, the kernel
   * ends its children (PR_SET_PDEATHSIG, by setpriv), unless they have become another user.
   */
  start(command: readonly string[], { core, env = {} }: ChildOptions): Child {
    const log = join(this.#folder, `${this.#count++}.log`);
    const pin = core === undefined ? [] : ['taskset', '-c', String(core)];
    const [program, ...args] = ['setpriv', '--pdeathsig', 'TERM', '--', ...pin, ...command];
    const stderr = openSync(log, 'w');
    const child = spawn(program!, args, {
      env: { PATH: PATH_WITH_SERVERS, ...env },
      stdio: ['ignore', 'ignore', stderr],
    });
    closeSync(stderr);
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    child.once('error', () => this.#running.delete(child));
    const assertRunning = () => {
      if (this.#running.has(child)) return;
      const end = child.exitCode ?? child.signalCode ?? 'no start';
      const said = readFileSync(log, 'utf8').trim().slice(-2_000);
      throw new Error(`${command.join(' ')} ended (${end}): ${said || 'it said nothing'}`);
    };
    return {
      pid: child.pid ?? 0,
      assertRunning,
      running: () => this.#running.has(child),
      listening: (port) =>
        until(
          `${command[0]} listens on port ${port}`,
          () => {
            assertRunning();
            return accepts('127.0.0.1', port);
          },
          START_DEADLINE_MS,
        ),
      stop: () => this.#stop(child),
      kill: async () => {
        if (!this.#running.has(child)) return;
        const gone = once(child, 'exit');
        for (const pid of treeOf(child)) kill(pid, 'SIGKILL');
        await gone;
      },
      signal: (signal) => {
        for (const pid of treeOf(child)) kill(pid, signal);
      },
    };
  }

  /** Stops all of them. */
  async stopAll(): Promise<void> {
    await Promise.all(Array.from(this.#running, (child) => this.#stop(child)));
  }

  /** For the last moment of the process, which waits for nothing. */
  killAll(): void {
    for (const child of this.#running) {
      for (const pid of treeOf(child)) kill(pid, 'SIGKILL');
    }
  }

  async #stop(child: ChildProcess): Promise<void> {
    if (!this.#running.has(child)) return;
    const gone = once(child, 'exit');
    const tree = treeOf(child);
    kill(child.pid!, 'SIGTERM');
    const overdue = setTimeout(() => {
      for (const pid of tree) kill(pid, 'SIGKILL');
    }, STOP_DEADLINE_MS);
    await gone;
    clearTimeout(overdue);
  }
}

/** Debian keeps servers where the PATH of a plain user does not look. */
export const PATH_WITH_SERVERS = `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`;

/** Pins this process with all its threads. */
export function pinSelf(core: number | undefined): void {
  if (core === undefined) return;
  execFileSync('taskset', ['-apc', String(core), String(process.pid)], {
    env: { PATH: PATH_WITH_SERVERS },
    stdio: 'ignore',
    timeout: 5_000,
  });
}

/** From the top: a master that still lives would replace the workers that are killed. */
function treeOf(child: ChildProcess): number[] {
  return [child.pid!, ...descendants(child.pid!).map(({ pid }) => pid)];
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
