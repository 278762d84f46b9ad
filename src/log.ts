import pino from 'pino';

/** What the parts of Dashgate log through; a pino logger satisfies it. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A logger of JSON lines on standard output, one object a line, `time` in ISO 8601.
 * Nothing secret may be handed to it (no session id, cookie, token or console query string).
 */
export function createLogger(level: LogLevel): Logger {
  return pino({
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** A logger that drops everything; the default of library parts that were given none. */
export const silentLogger: Logger = pino({ level: 'silent' });
