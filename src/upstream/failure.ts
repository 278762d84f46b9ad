import { GatewayError, messageOf } from '../errors.ts';

/** A backend could not be reached, so nothing of the request was sent to it. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
}

/** What an error from the way to a backend means for the client. */
export function failureOf(error: unknown, backend: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const detail = `${backend}: ${messageOf(error)}`;
  if (error instanceof ConnectError) {
    return new GatewayError('noBackend', `cannot connect to ${detail}`, {
      cause: error,
      retryable: true,
    });
  }
  return new GatewayError('badGateway', detail, { cause: error });
}
