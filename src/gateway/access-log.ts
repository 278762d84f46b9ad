import type { RequestHandler } from 'express';
import type { Logger } from '../log.ts';
import type { Dashgate } from '../middleware/dashgate.ts';
import type { PeerReader } from '../middleware/peer.ts';

/**
 * Logs each request when its response has ended. The query is left out: it may hold a console's
 * token.
 */
export function accessLog(gate: Dashgate, readPeer: PeerReader, logger: Logger): RequestHandler {
  return (req, res, next) => {
    const started = performance.now();
    const { address, requestId } = readPeer(req);
    const path = req.url.split('?', 1)[0];
    res.once('close', () => {
      logger.info(
        {
          requestId,
          client: address,
          method: req.method,
          path,
          status: res.statusCode,
          backend: gate.servedBy(req),
          ms: Math.round(performance.now() - started),
          ...(res.writableFinished ? {} : { aborted: true }),
        },
        'request',
      );
    });
    next();
  };
}
