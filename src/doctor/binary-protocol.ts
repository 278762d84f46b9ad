import { connect } from 'node:net';
import type { NodeAddress } from '../memcached/node-address.ts';

/** What a node that is silent on text says to the binary protocol of memcached. */
export type BinaryAnswer = 'answers' | 'wants a password' | undefined;

/** A request "noop" (protocol_binary.txt): 24 bytes, its magic, the command, and nothing with it. */
const NOOP = Buffer.alloc(24);
NOOP.writeUInt8(0x80, 0);
NOOP.writeUInt8(0x0a, 1);
const RESPONSE = 0x81;
const AUTHENTICATION_ERROR = 0x20;

/**
 * Asks a node in the binary protocol, the only one that it speaks where it was started with SASL (-S)
 * or `-B binary`. Never rejects.
 */
export function askInBinary({ host, port }: NodeAddress, timeoutMs: number): Promise<BinaryAnswer> {
  return new Promise((resolve) => {
    const socket = port === 0 ? connect({ path: host }) : connect({ host, port });
    const finish = (answer: BinaryAnswer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    let head = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      if (head[0] !== RESPONSE) finish(undefined);
      else if (head.length >= NOOP.length) {
        finish(head.readUInt16BE(6) === AUTHENTICATION_ERROR ? 'wants a password' : 'answers');
      }
    });
    socket.on('error', () => finish(undefined)).on('close', () => finish(undefined));
    socket.write(NOOP);
  });
}
