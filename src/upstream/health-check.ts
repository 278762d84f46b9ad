import type { BackendAddress } from './backend-address.ts';
import { dialBackend } from './backend-socket.ts';
import { type CheckResult, unanswered } from './check-result.ts';
import { checkHttp, type HttpCheck } from './http-check.ts';
import { checkWebSocket, type WebSocketCheck } from './websocket-check.ts';

/** The backend takes a connection: TCP, its PROXY protocol header and TLS, where it is to have them. */
export interface TcpCheck {
  readonly kind: 'tcp';
  /** Longest time to connect, in ms. */
  readonly timeoutMs: number;
}

/** How a backend is checked. */
export type HealthCheck = HttpCheck | TcpCheck | WebSocketCheck;

export const CHECK_KINDS = ['http', 'tcp', 'websocket'] as const satisfies HealthCheck['kind'][];

/** Asks one backend once, on a connection of its own, secured as all to it are; never rejects. */
export function checkBackend(backend: BackendAddress, check: HealthCheck): Promise<CheckResult> {
  switch (check.kind) {
    case 'http':
      return checkHttp(backend, check);
    case 'websocket':
      return checkWebSocket(backend, check);
    case 'tcp':
      return checkTcp(backend, check);
  }
}

async function checkTcp(backend: BackendAddress, { timeoutMs }: TcpCheck): Promise<CheckResult> {
  try {
    const socket = await dialBackend(backend, undefined, timeoutMs);
    socket.on('error', () => {});
    socket.destroy();
    return { ok: true, detail: 'it takes connections' };
  } catch (error) {
    return unanswered(error as Error);
  }
}
