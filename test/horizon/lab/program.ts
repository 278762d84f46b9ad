import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const STOP_DEADLINE_MS = 8_000;
const TAIL_BYTES = 4_096;

export interface Command {
  /** Names the log file and the messages; unique among the programs of one lab. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One child process of the lab: its own process group, its output in a file. */
export class Program {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #exited: Promise<unknown>;

  constructor(dir: string, { name, command, args, env }: Command) {
    this.name = name;
    this.#log = join(dir, `${name}.log`);
    const log = openSync(this.#log, 'a');
    // setpriv: the kernel ends the program should the test process die without cleaning up.
    // detached: a group of its own, so that a signal reaches gunicorn's workers too.
    this.#child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', command, ...args], {
      cwd: dir,
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: dir,
        LANG: 'C.UTF-8',
        PYTHONDONTWRITEBYTECODE: '1',
        ...env,
      },
    });
    closeSync(log);
    this.#exited = once(this.#child, 'exit');
    this.#exited.catch(() => {}); // told by whoever waits; nobody may be waiting
  }

  get running(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** Whether it has done its work and ended by itself. */
  get succeeded(): boolean {
    return this.#child.exitCode === 0;
  }

  /** Signals the program and everything it started. */
  signal(signal: NodeJS.Signals): void {
    if (!this.running) return;
    try {
      process.kill(-this.#child.pid!, signal);
    } catch (error) {
      // Gone already; that it is will be told in a moment.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Waits for the end of a program that ends by itself; throws if it failed. */
  async finished(): Promise<void> {
    await this.#exited;
    if (!this.succeeded) throw await this.failure('failed');
  }

  /** Ends the program: SIGTERM, and SIGKILL if that took longer than 8 s. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.signal('SIGTERM');
    const overdue = setTimeout(() => this.signal('SIGKILL'), STOP_DEADLINE_MS);
    await this.#exited;
    clearTimeout(overdue);
  }

  /** Ends the program and its children as a power failure would. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exited;
  }

  /** The last 4 KiB of what it wrote. */
  async tail(): Promise<string> {
    const file = await open(this.#log);
    try {
      const { size } = await file.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString();
    } finally {
      await file.close();
    }
  }

  /** An error that says what happened to the program and shows the end of its log. */
  async failure(what: string, cause?: unknown): Promise<Error> {
    return new Error(`${this.name} ${what}; the end of its log:\n${await this.tail()}`, { cause });
  }
}

/**
 * The child processes of one test and the temporary directory they live in. All are ended and the
 * directory is removed when the test is over, however it ended; where a test or one of its subtests
 * failed, the end of the logs is shown.
 */
export class Programs {
  readonly dir: string;
  readonly #all: Program[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(t: TestContext): Promise<Programs> {
    const programs = new Programs(await mkdtemp(join(tmpdir(), 'dashgate-lab-')));
    t.afterEach(async (subtest) => {
      if (hasFailed(subtest)) await programs.#show(t);
    });
    t.after(async () => {
      if (hasFailed(t)) await programs.#show(t);
      await Promise.all(programs.#all.map((program) => program.stop()));
      await rm(programs.dir, { recursive: true, force: true });
    });
    return programs;
  }

  start(command: Command): Program {
    const program = new Program(this.dir, command);
    this.#all.push(program);
    return program;
  }

  /** Runs a program to its end; throws, with its output, if it failed. */
  async run(command: Command): Promise<void> {
    await this.start(command).finished();
  }

  async #show(t: TestContext): Promise<void> {
    for (const program of this.#all) {
      if (!program.succeeded) t.diagnostic(`── ${program.name}\n${await program.tail()}`);
    }
  }
}

// `passed` is missing from the context's published types.
const hasFailed = (context: object) => 'passed' in context && context.passed === false;
