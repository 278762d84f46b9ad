import { fstatSync } from 'node:fs';
import pino from 'pino';
import { LogLines } from './log-lines.ts';
import { LogOutput } from './log-output.ts';

/** What the parts of Dashgate log through; a pino logger satisfies it. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A pipe takes that much without mixing it with what others write (PIPE_BUF of Linux). */
const ATOMIC_BYTES = 4_096;
const STANDARD_OUTPUT = 1;

/**
 * A logger of JSON lines on standard output, one object a line, `time` in ISO 8601.
 * With `shared`, other processes write lines to the same output, and none of them cuts another's in two.
 * Nothing secret may be handed to it (no session id, cookie, token or console query string).
 */
export function createLogger(level: LogLevel, { shared = false } = {}): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { pid: process.pid },
    timestamp: isoClock(),
    formatters: { level: (label) => ({ level: label }) },
  };
  const mostAtOnce = shared && mixesWrites(STANDARD_OUTPUT) ? ATOMIC_BYTES : undefined;
  const output = new LogOutput(STANDARD_OUTPUT, (bytes) => lines.lost(bytes));
  const lines = new LogLines((bytes) => output.write(bytes), mostAtOnce);
  process.once('exit', () => {
    lines.flush();
    output.finish();
  });
  return pino(options, lines);
}

/**
 * Whether longer writes of several processes to this file descriptor may be mixed. To a file each goes
 * as a whole (Linux holds its lock meanwhile), and in large ones: every write takes a detour through
 * another thread, which for 4 KiB, a dozen lines, was a twelfth of what requests cost.
 */
function mixesWrites(descriptor: number): boolean {
  const stats = fstatSync(descriptor);
  return stats.isFIFO() || stats.isSocket();
}

/**
 * Writes lines of level `info` with one message, as `logger.info(fields, message)` would, from fields
 * that are JSON already (`,"name":value` each). For a line that comes with every request: making it
 * costs a fifth of what pino takes to look at an object. Undefined where the logger drops that level;
 * another output than the logger's own gets them all the same. A line may be of a moment that is past,
 * in ms since 1970.
 */
export function lineWriter(
  logger: Logger,
  message: string,
  output: LineOutput = lineOutput(logger),
): ((fields: string, at?: number) => void) | undefined {
  const { levels, isLevelEnabled } = logger as pino.Logger;
  if (output === lineOutput(logger) && !isLevelEnabled.call(logger, 'info')) return undefined;
  const parts = logger as unknown as Parts;
  const begin = parts[symbols.lsCacheSym][levels.values.info!]!;
  const bindings = parts[symbols.chindingsSym];
  const time = parts[symbols.timeSym];
  const end = `,"msg":${JSON.stringify(message)}}\n`;
  return (fields, at) => {
    output.write(begin + time(at) + bindings + fields + end);
  };
}

/** Where lines of a log go. */
export interface LineOutput {
  /** Takes a line, with its line feed. */
  write(line: string): unknown;
  /** Lines that could not be delivered. */
  readonly dropped?: number;
}

/** Where a logger writes, for lines that are not its own. */
export function lineOutput(logger: Logger): LineOutput {
  return (logger as unknown as Parts)[symbols.streamSym];
}

/** A JSON string; most need no escapes. */
export function quoted(text: string): string {
  return SPECIAL.test(text) ? JSON.stringify(text) : `"${text}"`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what JSON escapes.
const SPECIAL = /["\\\u0000-\u001f\u007f-\uffff]/;

/** What pino keeps of a logger, under its public symbols (`pino.symbols`). */
const { symbols } = pino;
interface Parts {
  /** How lines of a level begin, by its number. */
  readonly [symbols.lsCacheSym]: Record<number, string>;
  /** The bindings of the logger and its parents, as JSON. */
  readonly [symbols.chindingsSym]: string;
  /** What it was given as `timestamp`. */
  readonly [symbols.timeSym]: (at?: number) => string;
  readonly [symbols.streamSym]: LineOutput;
}

/** The time in ISO 8601 as pino wants it; made once a millisecond, for many lines share one. */
function isoClock(): (now?: number) => string {
  let last = Number.NaN;
  let text = '';
  return (now = Date.now()) => {
    if (now !== last) {
      last = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
}

/** A logger that drops everything; the default of library parts that were given none. */
export const silentLogger: Logger = pino({ level: 'silent' });
