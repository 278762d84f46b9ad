import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import { type Logger, silentLogger } from '../log.ts';
import { AffinityCookie } from '../policy/cookies.ts';
import { type BackendAddress, isHttps, parseBackends } from '../upstream/backend-address.ts';
import { BackendTls } from '../upstream/backend-tls.ts';
import { CheckedPool } from '../upstream/checked-pool.ts';
import type { HttpCheck } from '../upstream/http-check.ts';
import { DEFAULT_QUEUE_LIMIT, type Pool } from '../upstream/pool.ts';
import type { Balance } from '../upstream/selection.ts';
import { parseStatusSet, type StatusSet } from '../upstream/status-set.ts';
import { Forwarder } from './forwarder.ts';
import { createPeerReader } from './peer.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from './timeouts.ts';
import { Upgrader } from './upgrader.ts';

/** Settings of one balanced service; every time is in ms. */
export interface DashgateOptions {
  /** What is balanced; a word for logs and messages. */
  readonly service?: string;
  /** Backends as `PORTAL_BACKENDS` takes them (`https://10.0.0.11 ca=ca.pem weight=2`), or parsed. */
  readonly backends: readonly string[] | readonly BackendAddress[];
  /** How a backend is chosen; by weighted round robin unless told. */
  readonly balance?: Balance;
  readonly health?: Partial<Omit<HttpCheck, 'kind' | 'expect'>> & {
    /** Good answers, such as `200` or `200-399`. */
    readonly expect?: string | StatusSet;
    readonly intervalMs?: number;
    readonly rise?: number;
    readonly fall?: number;
  };
  readonly timeouts?: Partial<Timeouts>;
  /** Most other backends that are tried for one request. */
  readonly retries?: number;
  /** Name of the affinity cookie; none is used where undefined. */
  readonly affinityCookie?: string | undefined;
  /** Addresses or CIDR ranges of proxies in front, whose `X-Forwarded-*` count. */
  readonly trustedProxies?: readonly string[];
  readonly queueLimit?: number;
  readonly logger?: Logger;
}

export const DEFAULT_HEALTH = { intervalMs: 2_000, timeoutMs: 2_000, rise: 2, fall: 3 } as const;

/** A balanced service as Express middleware. */
export interface Dashgate extends RequestHandler {
  /** Listener for a server's `upgrade` event: `server.on('upgrade', gate.upgrade)`. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly pool: Pool;
  /** Resolves when every backend has been checked once. */
  readonly checked: Promise<void>;
  /** Open tunnels. */
  readonly tunnels: number;
  /** Stops health checks, ends tunnels and idle connections; requests under way go on. */
  close(): void;
}

/**
 * Express middleware that balances requests and websockets over backends
 * without sticky cookies, with health checks and safe retries. It forwards all that reaches it:
 * mount it last. Failures reach Express's error handling as `GatewayError`.
 * @throws Error listing what is wrong with the backends.
 */
export function dashgate(options: DashgateOptions): Dashgate {
  const logger = options.logger ?? silentLogger;
  const service = options.service ?? 'service';
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const { intervalMs, timeoutMs, rise, fall, expect, ...check } = {
    ...DEFAULT_HEALTH,
    ...options.health,
  };
  const httpCheck: HttpCheck = {
    kind: 'http',
    method: 'GET',
    path: '/',
    ...check,
    timeoutMs,
    expect: typeof expect === 'object' ? expect : parseStatusSet(expect ?? '200-399'),
  };

  const balanced = new CheckedPool({
    service,
    backends: readBackends(options.backends),
    check: httpCheck,
    ...(options.balance && { balance: options.balance }),
    intervalMs,
    rise,
    fall,
    queueTimeoutMs: timeouts.queueMs,
    queueLimit: options.queueLimit ?? DEFAULT_QUEUE_LIMIT,
    logger,
  });
  const { pool, checked } = balanced;
  const affinity = options.affinityCookie ? new AffinityCookie(options.affinityCookie) : undefined;
  const readPeer = createPeerReader(options.trustedProxies ?? []);
  const retries = options.retries ?? 3;
  const shared = { pool, timeouts, retries, readPeer };
  const forwarder = new Forwarder({ ...shared, affinity });
  const upgrader = new Upgrader({ ...shared, logger });

  const handler: RequestHandler = (req, res, next) => forwarder.forward(req, res, next);
  return Object.defineProperties(handler, {
    upgrade: { value: upgrader.upgrade },
    pool: { value: pool },
    checked: { value: checked },
    tunnels: { get: () => upgrader.tunnels },
    close: {
      value: () => {
        balanced.stop();
        forwarder.close();
        upgrader.close();
      },
    },
  }) as Dashgate;
}

function readBackends(
  backends: readonly string[] | readonly BackendAddress[],
): readonly BackendAddress[] {
  if (backends.length === 0) throw new Error('backends is empty; name at least one');
  if (typeof backends[0] !== 'string') {
    const addresses = backends as readonly BackendAddress[];
    const odd = addresses.find(({ url, tls }) => isHttps(url) !== (tls !== undefined));
    if (odd) throw new Error(`backends has ${odd.url} with other TLS; write it as a string`);
    return addresses;
  }
  const problems: string[] = [];
  const parsed = parseBackends(
    backends.join(','),
    (problem) => problems.push(problem),
    (options) => new BackendTls(options),
  );
  if (problems.length > 0) throw new Error(`backends ${problems.join('; ')}`);
  return parsed;
}
