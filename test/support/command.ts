import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { until } from './until.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** What all runs take from the environment of the test. */
const INHERITED = Object.fromEntries(
  ['PATH', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** A run of the `dashgate` command. */
export interface Command {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Its exit code, once it has ended. */
  readonly exit: Promise<number | null>;
}

export interface CommandOptions {
  readonly cwd?: string | undefined;
  /** So many open files at most. */
  readonly openFiles?: number | undefined;
  /** The program, with its arguments, that runs it. */
  readonly under?: readonly string[] | undefined;
}

/** Runs `dashgate` with these arguments and nothing in its environment but `env`, PATH and where compiled code is kept. */
export function dashgateCommand(
  t: TestContext,
  args: readonly string[],
  env: Record<string, string> = {},
  { cwd = '/', openFiles, under = [] }: CommandOptions = {},
): Command {
  const limit = openFiles ? ['prlimit', `--nofile=${openFiles}:${openFiles}`] : [];
  const [program, ...words] = [...limit, ...under, process.execPath, MAIN, ...args] as [
    string,
    ...string[],
  ];
  const child = spawn(program, words, {
    cwd,
    env: { ...INHERITED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  t.after(() => {
    child.kill('SIGKILL');
  });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return { child, out: () => out, err: () => err, exit };
}

/** Resolves when the command has printed `text`; rejects, with all it said, when it ends first. */
export async function printed(command: Command, text: string, timeoutMs = 30_000): Promise<void> {
  await until(
    `the command prints "${text}"; it printed:\n${command.out()}${command.err()}`,
    () => {
      if (command.child.exitCode !== null && !command.out().includes(text)) {
        throw new Error(`ended with ${command.child.exitCode}: ${command.out()}${command.err()}`);
      }
      return command.out().includes(text);
    },
    timeoutMs,
  );
}

/** Runs a program on a terminal of its own, and prints what it prints. */
const ON_A_TERMINAL = 'import pty, sys; pty.spawn(sys.argv[1:])';

/** What `dashgate` prints on a terminal. */
export async function printedOnTerminal(
  args: readonly string[],
  env: Record<string, string>,
): Promise<string> {
  const child = spawn('/usr/bin/python3', ['-c', ON_A_TERMINAL, process.execPath, MAIN, ...args], {
    cwd: '/',
    env: { ...INHERITED, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return out;
}
