/** Lines as they go over the wire, each ended by CRLF, and the empty line that ends a head. */
export function head(...lines: string[]): string {
  return `${[...lines, '', ''].join('\r\n')}`;
}

/** The head of an HTTP/1.1 request for a.example; `start` is method and target. */
export function request(start: string, ...fields: string[]): string {
  return head(`${start} HTTP/1.1`, 'Host: a.example', ...fields);
}

/** A response with a Content-Length that fits. */
export function response(status: string, body: string, ...fields: string[]): string {
  return `${head(`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...fields)}${body}`;
}

export const GET = request('GET /x');
export const OK = response('200 OK', 'ok');

/** A body in chunks, ended by the last chunk and no trailers. */
export function chunked(...chunks: string[]): string {
  return [...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
}
