import { type IncomingMessage, STATUS_CODES } from 'node:http';

/**
 * Puts a 502, in place, for a status line that Node reads but would throw at in writing, such as
 * `HTTP/1.1 099` or a reason with control characters.
 */
export function refuseBadStatus(incoming: IncomingMessage): void {
  const { statusCode = 0, statusMessage = '' } = incoming;
  if (statusCode < 200 || statusCode > 999) incoming.statusCode = 502;
  else if (/^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage)) return;
  incoming.statusMessage = STATUS_CODES[incoming.statusCode ?? 0] ?? '';
}
