import { createServer, type Server } from 'node:http';
import { errorPage } from '../policy/error-page.ts';
import { httpsLocation } from '../policy/redirect.ts';

/**
 * A plain-HTTP server that sends everything to the same place over https. GET and HEAD are moved
 * for good; anything else keeps its method (RFC 9110 §15.4.9).
 */
export function createRedirector(httpsPort: number, headersTimeout: number): Server {
  const server = createServer(
    { headersTimeout, requestTimeout: headersTimeout, keepAliveTimeout: 1_000 },
    (req, res) => {
      const location = httpsLocation(req.headers.host, req.url ?? '', httpsPort);
      if (!location) {
        const page = errorPage('badRequest', { accept: req.headers.accept });
        res.writeHead(page.status, page.headers).end(page.body);
        return;
      }
      const status = req.method === 'GET' || req.method === 'HEAD' ? 301 : 308;
      res.writeHead(status, { location, 'content-length': 0, connection: 'close' }).end();
    },
  );
  return server;
}
