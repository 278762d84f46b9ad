import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Answers an error in the form of the API. */
export function refuse(
  res: Response,
  status: number,
  { error, remedy, ...more }: { error: string; remedy: string } & Record<string, unknown>,
): void {
  res.status(status).json({ error, remedy, ...more });
}

/** Answers what nothing else did. */
export const unknownPath: RequestHandler = (req, res) => {
  refuse(res, 404, {
    error: `there is no ${req.method} ${req.path}`,
    remedy: 'see the README for the pages and the API',
  });
};

/**
 * Answers with the message of an error: of requests that cannot be read, which are their sender's fault,
 * and of those that nobody expected, which are logged.
 */
export function answerError(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    const { status = 500 } = error as { status?: number };
    if (status >= 500) {
      logger.error({ err: error, method: req.method, path: req.path }, 'an admin page failed');
    }
    if (res.headersSent) {
      next(error);
      return;
    }
    const remedy =
      status < 500 ? 'see the README for what can be asked' : 'see the log of the gateway';
    refuse(res, status, { error: messageOf(error), remedy });
  };
}
