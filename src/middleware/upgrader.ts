import { Agent, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import { GatewayError } from '../errors.ts';
import { endSoon } from '../farewell.ts';
import type { Logger } from '../log.ts';
import { assertUnambiguous } from '../policy/access.ts';
import { rawErrorPage } from '../policy/error-page.ts';
import { fieldsOf } from '../policy/fields.ts';
import { forwarding, upgradeHeaders } from '../policy/forwarded.ts';
import { type Site, siteOf } from '../policy/location.ts';
import { applyResponsePolicy } from '../policy/response.ts';

import { Attempts, outcomeOf } from '../upstream/attempts.ts';
import { dialBackend } from '../upstream/backend-socket.ts';
import { endpointsOf } from '../upstream/endpoints.ts';
import { failureOf } from '../upstream/failure.ts';
import type { Lease, Outcome, Pool } from '../upstream/pool.ts';
import type { PeerReader } from './peer.ts';
import { refuseBadStatus } from './status-line.ts';
import type { Timeouts } from './timeouts.ts';
import { joinTunnel } from './tunnel.ts';
import { AGENT_TARGET } from './upstream-agent.ts';

export interface UpgraderOptions {
  readonly pool: Pool;
  readonly timeouts: Timeouts;
  readonly retries: number;
  readonly readPeer: PeerReader;
  readonly logger: Logger;
}

/** A websocket handshake on its way and the tunnel that it becomes. */
interface Upgrade {
  readonly lease: Lease;
  /** Hands out the one connection that is already there. */
  readonly agent: Agent;
  outcome: Outcome;
}

/**
 * Forwards websocket handshakes to the backends of a pool through http-proxy-middleware; a tunnel
 * stays with its backend for life. The backend is connected first, because http-proxy ends the
 * client's side with the first failure: only thereby another backend can be tried.
 */
export class Upgrader {
  readonly #options: UpgraderOptions;
  readonly #upgrades = new WeakMap<IncomingMessage, Upgrade>();
  readonly #tunnels = new Set<Socket>();
  readonly #proxy: RequestHandler;

  constructor(options: UpgraderOptions) {
    this.#options = options;
    this.#proxy = createProxyMiddleware({
      target: AGENT_TARGET,
      router: (req, _res, proxy) => {
        proxy.agent = this.#upgrades.get(req)?.agent;
        return AGENT_TARGET;
      },
      on: {
        proxyReqWs: (outgoing, req, socket) => {
          const { serverMs } = options.timeouts;
          outgoing.setTimeout(serverMs, () => {
            outgoing.destroy(new GatewayError('upstreamTimeout', `silent for ${serverMs} ms`));
          });
          outgoing.once('response', (response) => {
            refuseBadStatus(response);
            const upgrade = this.#upgrades.get(req);
            if (upgrade) upgrade.outcome = outcomeOf(response.statusCode ?? 0, true);
            applyResponsePolicy(response.headers, this.#siteOf(req));
            // The lease lasts as long as the connection, so neither side may stall it.
            socket.setTimeout(options.timeouts.clientMs, () => socket.destroy());
          });
          outgoing.once('upgrade', (_response, upstream) => {
            this.#tunnels.add(socket);
            this.#upgrades.get(req)?.lease.becomeTunnel();
            joinTunnel(socket, upstream as Socket, options.timeouts.tunnelMs);
          });
        },
        error: (error, req, socket) => this.#onError(error, req, socket as Socket),
      },
    });
  }

  /** Open tunnels. */
  get tunnels(): number {
    return this.#tunnels.size;
  }

  /** Listener for a server's `upgrade` event. */
  readonly upgrade = (req: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const socket = stream as Socket;
    // Until http-proxy adds its own, an error would be thrown.
    socket.on('error', () => {});
    void this.#start(req, socket, head).catch((error: unknown) => {
      this.#refuse(req, socket, failureOf(error, 'upgrade'));
    });
  };

  /** Ends every tunnel. */
  close(): void {
    for (const socket of this.#tunnels) endSoon(socket);
  }

  async #start(req: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    assertUnambiguous(req.rawHeaders, req.url ?? '');
    if (req.method !== 'GET' || !/^websocket$/i.test(req.headers.upgrade ?? '')) {
      throw new GatewayError('badRequest', 'an upgrade to anything but a websocket');
    }
    if (req.headers['transfer-encoding'] || Number(req.headers['content-length'] ?? 0) > 0) {
      throw new GatewayError('badRequest', 'a websocket handshake with a body');
    }
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    const { lease, upstream } = await this.#connect(socket, gone.signal);
    const upgrade: Upgrade = { lease, agent: agentOf(upstream), outcome: 'ok' };
    if (gone.signal.aborted) {
      upstream.destroy();
      lease.release('aborted');
      return;
    }
    const { address, requestId } = this.#options.readPeer(req);
    const opened = performance.now();
    socket.once('close', () => {
      const wasOpen = this.#tunnels.delete(socket);
      endSoon(upstream);
      lease.release(upgrade.outcome);
      if (!wasOpen) return;
      const ms = Math.round(performance.now() - opened);
      this.#options.logger.info(
        { requestId, client: address, backend: lease.backend.name, ms },
        'websocket closed',
      );
    });
    this.#upgrades.set(req, upgrade);
    req.headers = upgradeHeaders(req.headers, this.#options.readPeer(req));
    this.#proxy.upgrade(req, socket, head);
  }

  /** Claims backends until one takes the connection. */
  async #connect(client: Socket, signal: AbortSignal): Promise<{ lease: Lease; upstream: Socket }> {
    const { pool, retries, timeouts } = this.#options;
    const attempts = new Attempts(pool, retries, false);
    const clientAddress = endpointsOf(client).address;
    for (;;) {
      const lease = await pool.claimOrWait(
        { exclude: attempts.tried, client: clientAddress },
        signal,
      );
      const { backend } = lease;
      try {
        const { connectMs } = timeouts;
        const upstream = await dialBackend(backend.address, endpointsOf(client), connectMs);
        return { lease, upstream };
      } catch (error) {
        const failure = failureOf(error, backend.name);
        lease.release('failed');
        if (signal.aborted || !attempts.failed(backend, failure)) throw failure;
      }
    }
  }

  #onError(error: Error, req: IncomingMessage, socket: Socket): void {
    const upgrade = this.#upgrades.get(req);
    if (!upgrade || socket.destroyed) return;
    upgrade.outcome = 'failed';
    if (this.#tunnels.has(socket)) endSoon(socket);
    else this.#refuse(req, socket, failureOf(error, upgrade.lease.backend.name));
  }

  #siteOf(req: IncomingMessage): Site {
    const { pool, readPeer } = this.#options;
    const told = forwarding(fieldsOf(req.headers), req.headers.host ?? '', readPeer(req));
    return siteOf(told, pool.authorities);
  }

  #refuse(req: IncomingMessage, socket: Socket, failure: GatewayError): void {
    const { requestId } = this.#options.readPeer(req);
    const fields = { requestId, kind: failure.kind, detail: failure.message };
    if (failure.source === 'downstream') this.#options.logger.info(fields, 'websocket refused');
    else this.#options.logger.warn(fields, 'websocket failed');
    if (!socket.writable) return;
    const { accept } = req.headers;
    endSoon(socket, rawErrorPage(failure.kind, { accept, requestId }));
  }
}

function agentOf(socket: Socket): Agent {
  const agent = new Agent();
  const connected = () => socket;
  agent.createConnection = connected;
  return agent;
}
