import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { until } from '../support/until.ts';
import { PAGES } from './origin/origins.ts';
import type { RunningPeer } from './peers/peer.ts';

const ANSWER_DEADLINE_MS = 5_000;
const LIE = '192.0.2.66';

/**
 * Waits until a proxy answers, and makes sure that it does the work that the others do: whole
 * pages, forwarding headers of its own in place of the client's, one id for backend and client. Gives
 * the TLS that it speaks with a client that leaves the choice to it.
 * @throws Error that tells what differs.
 */
export async function verify(peer: RunningPeer): Promise<string> {
  await Promise.all([answers(peer, peer.portal, PAGES[0].path), answers(peer, peer.console, '/')]);
  for (const { path, bytes } of PAGES) {
    const { body } = await get(peer.portal, path);
    if (body.length !== bytes) throw new Error(`${path} has ${body.length} bytes, not ${bytes}`);
  }
  const { body, headers } = await get(peer.console, '/headers');
  const seen = JSON.parse(body.toString()) as IncomingHttpHeaders;
  assertForwarded(seen);
  if (headers['x-request-id'] !== seen['x-request-id']) {
    throw new Error(`the client got x-request-id "${headers['x-request-id']}", the origin another`);
  }
  return tlsOf(peer.portal);
}

async function answers(peer: RunningPeer, port: number, path: string): Promise<void> {
  let status = 0;
  const asked = async () => {
    peer.assertRunning();
    ({ status } = await get(port, path));
    return status === 200;
  };
  await until(`${path} is answered 200`, asked).catch((error: Error) => {
    throw new Error(`${error.message}; the last answer was ${status || 'none'}`, { cause: error });
  });
}

function assertForwarded(seen: IncomingHttpHeaders): void {
  const expected = {
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-real-ip': '127.0.0.1',
  };
  for (const [name, value] of Object.entries(expected)) {
    if (seen[name] !== value) throw new Error(`the origin got ${name} "${seen[name]}"`);
  }
  for (const name of ['x-request-id', 'x-forwarded-host', 'x-forwarded-port']) {
    if (!seen[name]) throw new Error(`the origin got no ${name}`);
  }
  if (JSON.stringify(seen).includes(LIE))
    throw new Error('a forged forwarding header went through');
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request on a connection of its own; status 0 where none could be made. */
function get(port: number, path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const nothing = () => resolve({ status: 0, headers: {}, body: Buffer.alloc(0) });
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      rejectUnauthorized: false,
      headers: { 'x-forwarded-for': LIE, 'x-real-ip': LIE, forwarded: `for=${LIE}` },
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
    outgoing.on('error', nothing);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', nothing);
      incoming.on('end', () => {
        const { statusCode: status = 0, headers } = incoming;
        resolve({ status, headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end();
  });
}

function tlsOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      timeout: ANSWER_DEADLINE_MS,
    });
    socket.once('timeout', () => socket.destroy(new Error('no TLS handshake')));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
      socket.destroy();
    });
  });
}
