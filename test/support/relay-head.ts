import type { HeadErrorStatus } from '../../src/relay/head.ts';

/** A head, as latin1, and how it is refused. */
export type Refused = readonly [why: string, text: string, status: HeadErrorStatus, reason: RegExp];

/** These header lines and the empty line after them. */
export function endOfHead(fields: readonly string[]): string {
  return `${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
}

/** So many header lines that mean nothing. */
export const headerLines = (count: number) => 'A: b\r\n'.repeat(count);
