import pino from 'pino';

/** What the parts of Dashgate log through; a pino logger satisfies it. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How long a line may be held back, in ms. */
const FLUSH_MS = 100;

/**
 * A logger of JSON lines on standard output, one object a line, `time` in ISO 8601.
 * Nothing secret may be handed to it (no session id, cookie, token or console query string).
 */
export function createLogger(level: LogLevel): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  // A write for each line would cost as much as the request that it tells of. What is held back is
  // written when the process ends, too.
  return pino(
    options,
    pino.destination({ sync: false, minLength: 8_192, periodicFlush: FLUSH_MS }),
  );
}

/** A logger that drops everything; the default of library parts that were given none. */
export const silentLogger: Logger = pino({ level: 'silent' });
