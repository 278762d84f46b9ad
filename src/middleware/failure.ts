import { GatewayError, messageOf } from '../errors.ts';
import { ConnectError } from './upstream-agent.ts';

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
