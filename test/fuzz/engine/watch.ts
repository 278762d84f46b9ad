import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Found } from './hunt.ts';
import { lookInto } from './input-window.ts';

export interface WatchOptions {
  /** A hunt for each. */
  readonly seeds: readonly number[];
  /** CPU time of a hunt. */
  readonly seconds: number;
  /** Inputs of a hunt. */
  readonly runs: number;
  /** Inputs with outcomes of their own become seeds, if nothing was found. */
  readonly keep?: boolean;
  /** Inputs that are tried first; latin1. */
  readonly first?: readonly string[];
  /** The URL of the module that has the target, where it is not one of `targets.ts`. */
  readonly module?: string;
  /** After so long without another input one hangs. */
  readonly hangsAfterMs?: number;
  /** What inputs may have a reader keep. */
  readonly memoryMib?: number;
  /** Bytes are in no heap that could be limited: by so much more the process may grow. */
  readonly garbageMib?: number;
}

/** What the process of a hunt is told to do. */
export interface Order extends WatchOptions {
  readonly name: string;
  /** The file in which it shows its inputs. */
  readonly window: string;
}

export interface WatchReport {
  readonly runs: number;
  readonly cpuSeconds: number;
  /** How many different things came of the inputs. */
  readonly outcomes: number;
  readonly found: readonly Found[];
}

/** What the process of a hunt tells. */
export type Told = { readonly pids: readonly number[] } | { readonly report: WatchReport };

/** After so long without another input one hangs; a machine that is busy takes its time, too. */
const HANGS_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 100;
/** What a reader makes of a few KiB needs a small part of that. */
const MEMORY_MIB = 256;
const GARBAGE_MIB = 512;
const TOO_MUCH = 'takes too much memory';

/** What V8 says as it ends a process whose heap is full. */
const HEAP_IS_FULL = /heap out of memory/;

/**
 * Hunts in a process of its own, which is ended where an input has it hang, or take more memory
 * than it may: both are findings. A thread would not do: V8 does not always get round to ending
 * one whose heap is full, and then it ends the whole process.
 *
 * @throws Error with what it said, where a hunt ended otherwise than with its report.
 */
export async function watch(name: string, options: WatchOptions): Promise<WatchReport> {
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-fuzz-'));
  const window = join(folder, 'window');
  writeFileSync(window, '');
  try {
    return await watchProcess({ ...options, name, window });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function watchProcess(order: Order): Promise<WatchReport> {
  const { hangsAfterMs = HANGS_AFTER_MS, memoryMib = MEMORY_MIB, garbageMib = GARBAGE_MIB } = order;
  const child = startProcess(memoryMib);
  let pids: readonly number[] = [];
  let report: WatchReport | undefined;
  let ended: string | undefined;
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-10_000);
  });
  child.on('message', (told: Told) => {
    if ('pids' in told) pids = told.pids;
    else report = told.report;
  });
  const end = (what: string) => {
    ended = what;
    child.kill('SIGKILL');
  };
  const stopWatching = watchCount(order.window, hangsAfterMs, () => end('hangs'));
  const stopWeighing = watchSize(child.pid!, memoryMib + garbageMib, () => end(TOO_MUCH));
  const endAllOfIt = () => endAll([child.pid!, ...pids]);
  process.once('exit', endAllOfIt);
  // Its channel and streams are read to their ends by then.
  const closed = once(child, 'close');
  child.send(order);
  await closed;
  stopWatching();
  stopWeighing();
  process.off('exit', endAllOfIt);
  if (report) return report;
  endAll(pids);
  const what = ended ?? (HEAP_IS_FULL.test(said) ? TOO_MUCH : undefined);
  if (what !== undefined) return found(order.window, what);
  const how = child.signalCode ?? child.exitCode;
  throw new Error(`the hunt of ${order.name} ended by itself (${how}): ${said.trim()}`);
}

/** It ends with this process, whatever it is busy with. */
function startProcess(memoryMib: number): ChildProcess {
  return fork(new URL('./process.ts', import.meta.url), {
    execPath: 'setpriv',
    execArgv: [
      ...['--pdeathsig', 'KILL', '--', process.execPath],
      `--max-old-space-size=${memoryMib}`,
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
}

/** Calls `onHang` where the count of inputs stands still; the result ends that. */
function watchCount(window: string, afterMs: number, onHang: () => void): () => void {
  let count = -1;
  let since = performance.now();
  const interval = setInterval(() => {
    const now = performance.now();
    const shown = lookInto(window).count;
    if (shown !== count) {
      count = shown;
      since = now;
    } else if (count > 0 && now - since > afterMs) {
      onHang();
    }
  }, LOOK_EVERY_MS);
  return () => clearInterval(interval);
}

/** Calls `onLarge` where a process has grown by more than so many MiB; the result ends that. */
function watchSize(pid: number, mostMib: number, onLarge: () => void): () => void {
  let before: number | undefined;
  const interval = setInterval(() => {
    const mib = residentMib(pid);
    before ??= mib;
    if (mib !== undefined && mib - before! > mostMib) onLarge();
  }, LOOK_EVERY_MS);
  return () => clearInterval(interval);
}

/** Undefined where the process has ended. */
function residentMib(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** The input that ended a hunt, as it was: to make it smaller would end another one. */
function found(window: string, what: string): WatchReport {
  const { count, input } = lookInto(window);
  return { runs: count, cpuSeconds: 0, outcomes: 0, found: [{ what, message: what, input }] };
}

function endAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
