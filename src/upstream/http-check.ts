import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BackendAddress } from './backend-address.ts';
import { dialBackend } from './backend-socket.ts';
import { isOwnFault } from './failure.ts';

/** What a health check asks a backend and what it takes for a good answer. */
export interface HttpCheck {
  readonly method: 'GET' | 'HEAD' | 'OPTIONS';
  readonly path: string;
  /** Host header to send; the backend's own address where undefined. */
  readonly host?: string | undefined;
  readonly expect: StatusSet;
  /** Longest wait for the answer's head, in ms. */
  readonly timeoutMs: number;
}

/** Inclusive ranges of status codes. */
export type StatusSet = readonly (readonly [from: number, to: number])[];

export interface CheckResult {
  readonly ok: boolean;
  /** One phrase for logs and the status page. */
  readonly detail: string;
  /** It could not be asked, for reasons of this process: nothing is known of the backend. */
  readonly unasked?: boolean;
}

/**
 * Reads a set of status codes such as `200`, `200,301` or `200-399`.
 * @throws Error with a hint where it is not one.
 */
export function parseStatusSet(text: string): StatusSet {
  return text.split(',').map((part) => {
    const match = /^\s*([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?\s*$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (!match || to < from) {
      throw new Error('is not a list of status codes; write for example 200 or 200-299,302');
    }
    return [from, to] as const;
  });
}

/** Asks one backend once, on a connection of its own, secured as all to it are; never rejects. */
export function checkHttp(backend: BackendAddress, check: HttpCheck): Promise<CheckResult> {
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
      headers: { host: check.host ?? backend.url.host, 'user-agent': 'dashgate-health-check' },
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
    outgoing.on('response', (response) => {
      const status = response.statusCode ?? 0;
      finish({
        ok: check.expect.some(([from, to]) => status >= from && status <= to),
        detail: `${check.method} ${check.path} gave ${status}`,
      });
    });
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      finish({ ok: false, detail: `${check.method} ${check.path} gave an unasked upgrade` });
    });
    outgoing.on('error', (error) => {
      finish({ ok: false, detail: error.message, unasked: isOwnFault(error) });
    });
    outgoing.end();
  });
}
