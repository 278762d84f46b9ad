import { Agent, request } from 'node:https';
import { closedLoop, Meter } from './meter.ts';
import type { Session } from './workload.ts';

const CONNECTIONS = 8;
const CHUNK = Buffer.alloc(256 * 1024, 'u');
const DEADLINE_MS = 20_000;

/** POSTs of `bytes` over keep-alive TLS connections; the origin answers what it counted. */
export function uploadSession(port: number, bytes: number): Session {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: CONNECTIONS,
    rejectUnauthorized: false,
    maxCachedSessions: 0,
  });
  return {
    run: async (seconds) => {
      const meter = new Meter(seconds);
      await closedLoop(meter, CONNECTIONS, () => upload(agent, port, bytes));
      return meter.outcome();
    },
    close: async () => agent.destroy(),
  };
}

function upload(agent: Agent, port: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port,
      path: '/upload',
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', 'content-length': bytes },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let body = '';
      incoming.setEncoding('latin1').on('data', (text: string) => {
        body = (body + text).slice(0, 200);
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        if (incoming.statusCode === 200 && body === String(bytes)) resolve();
        else reject(new Error(`upload: ${incoming.statusCode}, the origin counted "${body}"`));
      });
    });
    let left = bytes;
    const write = () => {
      while (left > 0) {
        const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
        left -= chunk.length;
        if (!outgoing.write(chunk) && left > 0) {
          outgoing.once('drain', write);
          return;
        }
      }
      outgoing.end();
    };
    write();
  });
}
