import { hkdfSync } from 'node:crypto';

/** Length of what ticket keys are made of where nothing is configured, in bytes. */
export const TICKET_SECRET_BYTES = 48;

/** Of Node's `ticketKeys`: the name of the keys, 16 bytes for HMAC, 16 for AES. */
const KEYS_BYTES = 48;

/**
 * How long the same keys seal session tickets, in ms.
 *
 * Node has one set of keys for a context: a ticket of other keys is not opened, and its client has a
 * full handshake, which fails nobody. (Node could ask a callback for older keys, but has it for a test
 * of its own only.) So this is how often a visitor pays for one more full handshake, and how long TLS
 * 1.2 is readable for who gets hold of the keys: twice a day costs less than can be measured.
 */
export const TICKET_PERIOD_MS = 12 * 3_600_000;

/** Which period a moment is in; they begin at midnight and noon, UTC. */
export function ticketPeriod(nowMs: number): number {
  return Math.floor(nowMs / TICKET_PERIOD_MS);
}

/**
 * What seals session tickets in a period. Who has the same secret has the same keys, and needs no
 * more than a clock to change them with everybody else.
 */
export function ticketKeysOf(secret: Buffer | string, period: number): Buffer {
  return Buffer.from(
    hkdfSync('sha256', secret, '', `dashgate session tickets ${period}`, KEYS_BYTES),
  );
}
