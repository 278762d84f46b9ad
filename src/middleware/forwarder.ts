import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import type { GatewayError } from '../errors.ts';
import { assertUnambiguous } from '../policy/access.ts';
import type { AffinityCookie } from '../policy/cookies.ts';
import { fieldsOf } from '../policy/fields.ts';
import { forwarding, requestHeaders } from '../policy/forwarded.ts';
import { siteOf } from '../policy/location.ts';
import { type Backend, UPSTREAM_IDLE_MS } from '../upstream/backend.ts';
import { endpointsOf } from '../upstream/endpoints.ts';
import { failureOf } from '../upstream/failure.ts';
import type { Pool } from '../upstream/pool.ts';
import { Exchange } from './exchange.ts';
import type { PeerReader } from './peer.ts';
import type { Timeouts } from './timeouts.ts';
import { AGENT_TARGET, UpstreamAgent } from './upstream-agent.ts';

export interface ForwarderOptions {
  readonly pool: Pool;
  readonly timeouts: Timeouts;
  /** Most other backends that are tried for one request. */
  readonly retries: number;
  readonly affinity: AffinityCookie | undefined;
  readonly readPeer: PeerReader;
}

/** Forwards requests to the backends of a pool through http-proxy-middleware. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>();
  /** The last response that was begun on each connection. */
  readonly #latest = new WeakMap<Socket, ServerResponse>();
  /** Keep connections alive; for requests that can be repeated should an idle one prove stale. */
  readonly #reusing = new Map<Backend, UpstreamAgent>();
  readonly #proxy: RequestHandler;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#proxy = createProxyMiddleware({
      target: AGENT_TARGET,
      router: (req, _res, proxy) => {
        const exchange = this.#exchanges.get(req);
        proxy.agent = exchange?.backend && this.#agentOf(exchange.backend, exchange.mayReuse, req);
        return AGENT_TARGET;
      },
      on: {
        proxyReq: (outgoing, req) => this.#exchanges.get(req)?.onRequest(outgoing),
        proxyRes: (incoming, req) => this.#exchanges.get(req)?.onResponse(incoming),
        error: (error, req) => this.#exchanges.get(req)?.onError(error),
      },
    });
  }

  /** Forwards one request; a failure before the response began goes to `next`. */
  forward(req: IncomingMessage, res: ServerResponse, next: (error: GatewayError) => void): void {
    try {
      assertUnambiguous(req.rawHeaders, req.url ?? '');
    } catch (error) {
      next(failureOf(error, 'request'));
      return;
    }
    const { pool, timeouts, retries, affinity, readPeer } = this.#options;
    const peer = readPeer(req);
    const exchange = new Exchange(req, res, {
      pool,
      timeouts,
      retries,
      affinity,
      asked: affinity?.take(req.headers),
      requestId: peer.requestId,
      site: siteOf(
        forwarding(fieldsOf(req.headers), req.headers.host ?? '', peer),
        pool.authorities,
      ),
      send: () => void this.#proxy(req, res, (error) => exchange.onError(error)),
      fail: next,
    });
    req.headers = requestHeaders(req.headers, peer);
    this.#exchanges.set(req, exchange);
    this.#inTurn(req, res, () => void exchange.attempt());
  }

  /**
   * Requests of one connection go out one after the other. Node hands out all that were pipelined
   * at once; only safe ones might go together (RFC 9112 §9.3.2), and all would take backends.
   */
  #inTurn(req: IncomingMessage, res: ServerResponse, run: () => void): void {
    const previous = this.#latest.get(req.socket);
    this.#latest.set(req.socket, res);
    if (previous && !previous.closed) previous.once('close', run);
    else run();
  }

  #agentOf(backend: Backend, mayReuse: boolean, { socket }: IncomingMessage): UpstreamAgent {
    const { address } = backend;
    const { connectMs } = this.#options.timeouts;
    if (address.sendProxy || !mayReuse) {
      // Of what a PROXY protocol header began, no other client may have a part.
      const client = endpointsOf(socket);
      return new UpstreamAgent(address, client, connectMs, { keepAlive: false });
    }
    let agent = this.#reusing.get(backend);
    if (!agent) {
      const keeping = { keepAlive: true, timeout: UPSTREAM_IDLE_MS };
      agent = new UpstreamAgent(address, undefined, connectMs, keeping);
      this.#reusing.set(backend, agent);
    }
    return agent;
  }

  /** Ends idle upstream connections; requests under way go on. */
  close(): void {
    for (const agent of this.#reusing.values()) agent.retire();
  }
}
