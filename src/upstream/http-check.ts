import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BackendAddress } from './backend-address.ts';
import { dialBackend } from './backend-socket.ts';
import { type CheckResult, unanswered } from './check-result.ts';
import { includesStatus, type StatusSet } from './status-set.ts';

/** What a health check asks a backend and what it takes for a good answer. */
export interface HttpCheck {
  readonly kind: 'http';
  readonly method: 'GET' | 'HEAD' | 'OPTIONS';
  readonly path: string;
  /** Host header to send; the backend's own address where undefined. */
  readonly host?: string | undefined;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly expect: StatusSet;
  /** Longest wait for the answer's head, in ms. */
  readonly timeoutMs: number;
}

/**
 * The most that may come before the head of an answer is complete, in bytes. Node bounds the head itself,
 * but neither interim answers before it nor empty lines, of which a backend can send without end.
 */
const MAX_BYTES = 131_072;

/** Asks one backend once, on a connection of its own, secured as all to it are; never rejects. */
export function checkHttp(backend: BackendAddress, check: HttpCheck): Promise<CheckResult> {
  // The query may hold what is not for logs.
  const what = `${check.method} ${check.path.replace(/\?.*/, '')}`;
  return new Promise((resolve) => {
    const outgoing = request({
      createConnection: (_options, onSocket) => {
        dialBackend(backend, undefined, check.timeoutMs).then(
          (socket) => onSocket(null, socket),
          // Node looks at the error alone.
          (error: Error) => onSocket(error, undefined as unknown as Duplex),
        );
        return undefined;
      },
      method: check.method,
      path: check.path,
      headers: {
        host: check.host ?? backend.url.host,
        'user-agent': 'dashgate-health-check',
        ...Object.fromEntries(check.headers ?? []),
      },
    });
    // One deadline for the whole check: a backend that trickles is not well.
    const timer = setTimeout(() => {
      outgoing.destroy(new Error(`no answer within ${check.timeoutMs} ms`));
    }, check.timeoutMs);
    const finish = (result: CheckResult) => {
      clearTimeout(timer);
      resolve(result);
      outgoing.destroy();
    };
    outgoing.on('socket', (socket) => {
      let left = MAX_BYTES;
      socket.on('data', (bytes: Buffer) => {
        left -= bytes.length;
        if (left < 0) outgoing.destroy(new Error(`no answer within ${MAX_BYTES} bytes`));
      });
    });
    outgoing.on('response', (response) => {
      const status = response.statusCode ?? 0;
      finish({
        ok: includesStatus(check.expect, status),
        detail: `${what} gave ${status}`,
      });
    });
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      finish({ ok: false, detail: `${what} gave an unasked upgrade` });
    });
    outgoing.on('error', (error) => finish(unanswered(error)));
    outgoing.end();
  });
}
