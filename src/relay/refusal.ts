import { type ErrorKind, GatewayError } from '../errors.ts';
import type { HeadError, HeadErrorStatus } from './head.ts';

const KINDS: Readonly<Record<HeadErrorStatus, ErrorKind>> = {
  400: 'badRequest',
  414: 'targetTooLong',
  431: 'headTooLarge',
  501: 'notImplemented',
  505: 'versionNotSupported',
};

/** What a client is answered whose message was refused. */
export function refusalOf(error: HeadError | GatewayError): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError(KINDS[error.status], error.reason);
}
