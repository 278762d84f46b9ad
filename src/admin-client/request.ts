import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { AdminTarget } from './target.ts';

export interface AdminRequest {
  readonly path: string;
  /** Sent as JSON; a request that has one is a POST. */
  readonly body?: unknown;
  /** Proves that the request is no page's of another origin, where no token does. */
  readonly csrf?: string | undefined;
  readonly timeoutMs: number;
}

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

/** What an answer has as JSON; undefined where it has none. */
export function jsonOf({ body }: AdminAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Asks an admin listener on a connection of its own. Rejects with what went wrong where there is no
 * whole answer in time: a `TimeoutError`, or an error of the connection with its `code`.
 */
export async function ask(
  { url, token, trust }: AdminTarget,
  { path, body, csrf, timeoutMs }: AdminRequest,
): Promise<AdminAnswer> {
  const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
  const json = body === undefined ? undefined : JSON.stringify(body);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await new Promise((resolve, reject) => {
      const outgoing = send(new URL(path, url), {
        agent: false,
        ...trust,
        signal,
        method: json === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(csrf !== undefined && { 'x-csrf-token': csrf }),
          ...(json !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(json),
          }),
        },
      });
      outgoing.on('error', reject);
      outgoing.on('upgrade', (_response, socket) => {
        socket.destroy();
        reject(new Error('it changes protocols unasked'));
      });
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('its answer does not end'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
        });
      });
      outgoing.end(json);
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
