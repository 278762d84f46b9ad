import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { messageOf } from '../../../src/errors.ts';
import type { Found } from './hunt.ts';
import { InputWindow } from './input-window.ts';

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

/** What a thread is told to do. */
export interface Order extends WatchOptions {
  readonly name: string;
  readonly window: SharedArrayBuffer;
  readonly port: MessagePort;
}

export interface WatchReport {
  readonly runs: number;
  readonly cpuSeconds: number;
  /** How many different things came of the inputs. */
  readonly outcomes: number;
  readonly found: readonly Found[];
}

/** What a thread tells. */
export type Told = { readonly pids: readonly number[] } | { readonly report: WatchReport };

/** After so long without another input one hangs; a machine that is busy takes its time, too. */
const HANGS_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 100;
/** What a reader makes of a few KiB needs a small part of that. */
const MEMORY_MIB = 256;
const GARBAGE_MIB = 512;
const MIB = 1024 * 1024;
const TOO_MUCH = 'takes too much memory';

/**
 * Hunts in a thread of its own, which is ended where an input has it hang, or take more memory than
 * it may: both are findings.
 */
export async function watch(name: string, options: WatchOptions): Promise<WatchReport> {
  const { hangsAfterMs = HANGS_AFTER_MS, memoryMib = MEMORY_MIB } = options;
  const { garbageMib = GARBAGE_MIB } = options;
  const window = new InputWindow();
  const { port1, port2 } = new MessageChannel();
  const order: Order = { ...options, name, window: window.buffer, port: port2 };
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: order,
    transferList: [port2],
    resourceLimits: { maxOldGenerationSizeMb: memoryMib },
  });
  let pids: readonly number[] = [];
  let report: WatchReport | undefined;
  let failure: Error | undefined;
  let ended: string | undefined;
  port1.on('message', (told: Told) => {
    if ('pids' in told) pids = told.pids;
    else report = revived(told.report);
  });
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  const end = (what: string) => {
    ended = what;
    void worker.terminate();
  };
  const stopWatching = watchCount(window, hangsAfterMs, () => end('hangs'));
  const stopWeighing = watchSize(memoryMib + garbageMib, () => end(TOO_MUCH));
  const endPeers = () => endAll(pids);
  process.once('exit', endPeers);
  await new Promise((resolve) => worker.once('exit', resolve));
  stopWatching();
  stopWeighing();
  process.off('exit', endPeers);
  // What it told last may still be on its way.
  await new Promise(setImmediate);
  port1.close();
  if (report) return report;
  endPeers();
  const what = ended ?? failureOf(failure);
  if (what === undefined) throw failure ?? new Error(`the hunt of ${name} ended by itself`);
  return found(window, what, messageOf(failure));
}

/** Calls `onHang` where the count of inputs stands still; the result ends that. */
function watchCount(window: InputWindow, afterMs: number, onHang: () => void): () => void {
  let count = -1;
  let since = performance.now();
  const interval = setInterval(() => {
    const now = performance.now();
    if (window.count !== count) {
      count = window.count;
      since = now;
    } else if (count > 0 && now - since > afterMs) {
      onHang();
    }
  }, LOOK_EVERY_MS);
  return () => clearInterval(interval);
}

/** Calls `onLarge` where the process has grown by more than so many MiB; the result ends that. */
function watchSize(mostMib: number, onLarge: () => void): () => void {
  const before = process.memoryUsage.rss();
  const interval = setInterval(() => {
    if (process.memoryUsage.rss() - before > mostMib * MIB) onLarge();
  }, LOOK_EVERY_MS);
  return () => clearInterval(interval);
}

function failureOf(failure: Error | undefined): string | undefined {
  const code = (failure as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ERR_WORKER_OUT_OF_MEMORY' ? TOO_MUCH : undefined;
}

/** The input that ended a thread, as it was: to make it smaller would end another one. */
function found(window: InputWindow, what: string, message: string): WatchReport {
  const input = window.input;
  const finding = { what, message: `${what} ${message}`.trim(), input };
  return { runs: window.count, cpuSeconds: 0, outcomes: 0, found: [finding] };
}

/** Buffers come as bytes through a port. */
function revived(report: WatchReport): WatchReport {
  const found = report.found.map((one) => ({ ...one, input: Buffer.from(one.input) }));
  return { ...report, found };
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
