import { GatewayError, messageOf } from '../errors.ts';

/** A backend could not be reached, so nothing of the request was sent to it. */
export class ConnectError extends Error {
  override readonly name: string = 'ConnectError';
}

/** A backend did not take the connection in time. */
export class ConnectTimeoutError extends ConnectError {
  override readonly name = 'ConnectTimeoutError';
}

/** A backend was reached but TLS failed, so nothing of the request was sent to it either. */
export class HandshakeError extends ConnectError {
  override readonly name = 'HandshakeError';
}

/** Whether what failed is this process, which has no more files or ports to open: no backend's fault. */
export function isOwnFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return /^(EMFILE|ENFILE|EADDRNOTAVAIL)$/.test(code ?? '') || isOwnFault(error.cause);
}

/** What an error from the way to a backend means for the client. */
export function failureOf(error: unknown, backend: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const detail = `${backend}: ${messageOf(error)}`;
  if (isOwnFault(error)) {
    const remedy = 'raise the limit of open files (LimitNOFILE, ulimit -n) or of local ports';
    return new GatewayError('overloaded', `${detail}; ${remedy}`, { cause: error });
  }
  if (error instanceof ConnectError) {
    const kind = error instanceof HandshakeError ? 'badGateway' : 'noBackend';
    const message = `cannot connect to ${detail}`;
    return new GatewayError(kind, message, { cause: error, retryable: true });
  }
  return new GatewayError('badGateway', detail, { cause: error });
}
