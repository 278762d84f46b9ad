import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ToWorker } from './worker-messages.ts';
import { WORKER_MAIN } from './worker-process.ts';
import { WORKER_FLAGS } from './worker-runtime.ts';

/** In the folder for temporary files, with the process id of the supervisor after it. */
const PREFIX = 'dashgate-code-';

const SOURCES = fileURLToPath(new URL('..', import.meta.url));

/** In a folder that lasts, what the code in it was compiled from. */
const COMPILED_FROM = 'dashgate-workers';

/** How long the code may take to compile, in ms. */
const COMPILE_MS = 30_000;

/**
 * The code of workers, compiled. Each process would otherwise strip the types of every file and compile
 * it by itself, for which Node loads a compiler: with this a worker starts in half the time and takes
 * 25 MiB less. A file that has changed since is compiled anew.
 *
 * It lives as long as the supervisor, in a folder that nobody else can write to; or for ever in the one
 * that NODE_COMPILE_CACHE names, and is then compiled again only for other sources.
 */
export class CodeCache {
  readonly #folder: string;
  readonly #env: Environment;
  readonly #lasts: boolean;

  private constructor(env: Environment) {
    const given = env.NODE_COMPILE_CACHE || undefined;
    this.#lasts = given !== undefined;
    this.#folder = given ?? temporaryFolder();
    this.#env = env;
  }

  /**
   * Compiles the code of workers, as far as it is not there; undefined, and the log says why, where that
   * cannot be.
   */
  static async create(env: Environment, logger: Logger): Promise<CodeCache | undefined> {
    try {
      const cache = new CodeCache(env);
      await cache.#fill();
      return cache;
    } catch (error) {
      const remedy = 'let Dashgate write to its folder for temporary files (TMPDIR)';
      const fields = { detail: messageOf(error), remedy };
      logger.warn(fields, 'workers compile their code themselves, which takes time and memory');
      return undefined;
    }
  }

  /** What a worker has to have in its environment. */
  get env(): Environment {
    return { ...this.#env, NODE_COMPILE_CACHE: this.#folder };
  }

  remove(): void {
    if (!this.#lasts) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A worker that is told to stop before it has started has loaded everything by then. */
  async #fill(): Promise<void> {
    const note = join(this.#folder, COMPILED_FROM);
    const sources = this.#lasts ? sourcesAsTheyAre() : '';
    if (this.#lasts && textOf(note) === sources) return;
    const child = fork(WORKER_MAIN, {
      // V8 takes compiled code for its own only where it has the same flags.
      execArgv: WORKER_FLAGS,
      env: this.env as NodeJS.ProcessEnv,
      timeout: COMPILE_MS,
    });
    child.send({ type: 'stop' } satisfies ToWorker);
    const [code] = await once(child, 'exit');
    // Without the note the next start compiles again, which costs a moment.
    if (this.#lasts && code === 0) writeFileSync(note, sources);
  }
}

/** The Node that runs, and every file of the sources by when it was changed. */
function sourcesAsTheyAre(): string {
  const files = ['../package.json', ...readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })];
  const times = files.sort().map((name) => `${name} ${statSync(join(SOURCES, name)).mtimeMs}`);
  return `${createHash('sha256')
    .update([process.version, ...times].join('\n'))
    .digest('hex')}\n`;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It was never written, or may not be read: as good as none.
    return undefined;
  }
}

/** A new folder of this user's own. Those of supervisors that were killed are removed. */
function temporaryFolder(): string {
  const root = tmpdir();
  for (const name of readdirSync(root)) {
    const path = join(root, name);
    if (name.startsWith(PREFIX) && isOurs(path) && !isRunning(pidIn(name))) {
      rmSync(path, { recursive: true, force: true });
    }
  }
  return mkdtempSync(join(root, `${PREFIX}${process.pid}-`));
}

function pidIn(name: string): number {
  return Number.parseInt(name.slice(PREFIX.length), 10);
}

/** Whether it is a folder of this user: others could lead a removal astray. */
function isOurs(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
