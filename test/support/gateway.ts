import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import { parseConfig } from '../../src/config.ts';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { type Gateway, startGateway } from '../../src/gateway/gateway.ts';
import { type Logger, silentLogger } from '../../src/log.ts';

/** A folder that goes when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Settings of a gateway on free ports of 127.0.0.1, with a certificate of its own. */
export async function gatewaySettings(t: TestContext): Promise<Record<string, string>> {
  const { cert, key } = await demoCertificate(temporaryFolder(t));
  return {
    PORTAL_LISTEN: '127.0.0.1:0',
    PORTAL_HEALTH_PATH: '/health',
    CONSOLE_LISTEN: '',
    CONSOLE_HEALTH_CHECK: 'http',
    CONSOLE_HEALTH_PATH: '/health',
    ADMIN_LISTEN: '127.0.0.1:0',
    // In the process of the test, unless it is about workers.
    WORKERS: '0',
    // Nothing listens there: forwarding must not need memcached.
    MEMCACHED_SERVERS: '127.0.0.1:9',
    CACHE_LISTEN: '',
    // Tests ask for consoles with the same token and expect another backend.
    CONSOLE_PIN_TTL: '',
    HEALTH_INTERVAL: '50ms',
    HEALTH_TIMEOUT: '1s',
    SHUTDOWN_TIMEOUT: '2s',
    TLS_CERT: cert,
    TLS_KEY: key,
  };
}

/** Starts a gateway in this process; it stops with the test. */
export async function startTestGateway(
  t: TestContext,
  settings: Record<string, string>,
  logger: Logger = silentLogger,
): Promise<Gateway> {
  const config = parseConfig({ ...(await gatewaySettings(t)), ...settings });
  const gateway = await startGateway(config, { logger });
  t.after(() => gateway.close());
  await gateway.checked;
  return gateway;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One HTTPS request on a connection of its own; any certificate will do. */
export function fetchTls(
  port: number,
  path: string,
  options: RequestOptions & { body?: string | Buffer } = {},
): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false, ...rest },
      (incoming) => collect(incoming).then(resolve, reject),
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Sends bytes over TLS and gives all that comes back until the other side closes. */
export async function exchangeRaw(port: number, bytes: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  socket.write(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

/** Reads an answer to its end; rejects where it breaks off. */
export async function collect(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString(),
  };
}
