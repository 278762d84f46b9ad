/** An answer as a client has read it so far. */
export interface Answer {
  readonly status: number;
  readonly bodyBytes: number;
  /** The connection can serve another request. */
  readonly keepAlive: boolean;
}

const CHUNKED_END = '0\r\n\r\n';

/**
 * The answer to a request of that method, once all of it has come. The bodies of the soak are short
 * and hold nothing that looks like the end of a chunked one.
 * @throws Error for an answer without a length.
 */
export function readAnswer(text: string, method: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end + 2).toLowerCase();
  const status = Number(head.slice(9, 12));
  const keepAlive = !head.includes('\r\nconnection: close\r\n');
  if (method === 'HEAD' || status === 304) return { status, bodyBytes: 0, keepAlive };
  const body = text.slice(end + 4);
  if (head.includes('\r\ntransfer-encoding: chunked\r\n')) {
    if (!body.endsWith(CHUNKED_END)) return undefined;
    return { status, bodyBytes: bytesOfChunks(body), keepAlive };
  }
  const length = /\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${head}`);
  const bodyBytes = Number(length);
  if (body.length > bodyBytes) throw new Error(`${body.length - bodyBytes} bytes after an answer`);
  return body.length < bodyBytes ? undefined : { status, bodyBytes, keepAlive };
}

function bytesOfChunks(body: string): number {
  let bytes = 0;
  for (let at = 0; ; ) {
    const size = Number.parseInt(body.slice(at, body.indexOf('\r\n', at)), 16);
    if (size === 0) return bytes;
    if (!(size > 0)) throw new Error(`no size of a chunk: ${body.slice(at, at + 40)}`);
    bytes += size;
    at = body.indexOf('\r\n', at) + 2 + size + 2;
  }
}
