import { connect } from 'node:net';
import { messageOf } from '../errors.ts';
import { ProtocolError, UnavailableError } from './client.ts';
import type { NodeAddress } from './node-address.ts';

export interface KeyListingOptions {
  /** How long connecting may take, and the node may be silent in the middle of the list, in ms. */
  readonly timeoutMs: number;
}

const COMMAND = 'lru_crawler metadump hash\r\n';
const KEY_LINE = /^key=(\S+) /;
/** Far more than a key of 250 escaped bytes and the numbers after it. */
const MAX_LINE_LENGTH = 4096;

/**
 * Lists the keys of a node, as Latin-1 characters, in portions as they arrive; a slow reader slows
 * the node's crawler down, and nothing piles up (protocol.txt, "LRU Crawler"). It walks the hash
 * table, which visits every item that is there all the time; walking the LRUs would miss items
 * that are moved meanwhile. It takes a connection of its own. Rejects with ProtocolError where the
 * node refuses or is busy with another list, with UnavailableError where it cannot be asked.
 */
export async function* listKeys(
  address: NodeAddress,
  { timeoutMs }: KeyListingOptions,
): AsyncGenerator<readonly string[], void> {
  const { host, port, text } = address;
  const socket = port === 0 ? connect({ path: host }) : connect({ host, port });
  socket.setEncoding('latin1').unref();
  try {
    const chunks = socket.iterator({ destroyOnReturn: true });
    socket.write(COMMAND);
    let rest = '';
    for (;;) {
      const { value, done } = await within(chunks.next(), timeoutMs);
      if (done === true) throw new Error('it closed the connection');
      const lines = (rest + value).split('\r\n');
      rest = lines.pop()!;
      // The lines of keys end in a bare line feed, the last line in both.
      const parts = [...lines, rest].join('\n').split('\n');
      rest = parts.pop()!;
      if (rest.length > MAX_LINE_LENGTH) throw new ProtocolError(text, 'sent an endless line');
      const end = parts.indexOf('END');
      const keys = (end === -1 ? parts : parts.slice(0, end)).map((line) => keyOf(line, text));
      if (keys.length > 0) yield keys;
      if (end !== -1) return;
    }
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new UnavailableError(text, messageOf(error), { cause: error });
  } finally {
    socket.destroy();
  }
}

function keyOf(line: string, node: string): string {
  const match = KEY_LINE.exec(line);
  if (match === null)
    throw new ProtocolError(node, `does not list its keys: ${line.slice(0, 100)}`, line);
  return unescapeBytes(match[1]!);
}

/** Each `%XX` a byte (`uriencode` in memcached's `util.c`). */
function unescapeBytes(escaped: string): string {
  if (!escaped.includes('%')) return escaped;
  return escaped.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Rejects where nothing comes for so long. */
function within<T>(result: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing came for ${ms} ms`)), ms);
    result.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
