import { chunked, request } from '../../../conformance/bytes.ts';

/** The request that is to get past the proxy unseen. */
export const SMUGGLED = request('GET /smuggled');
export const CHUNKED = 'Transfer-Encoding: chunked';

/** A POST with these fields and no body yet. */
export function post(...fields: string[]): string {
  return request('POST /x', ...fields);
}

/** Who goes by the length reads one request, who goes by the chunks two. */
export function lengthHides(...fields: string[]): string {
  const body = `0\r\n\r\n${SMUGGLED}`;
  return `${post(`Content-Length: ${body.length}`, ...fields)}${body}`;
}

/** Who goes by the chunks reads one request, who goes by the length two. */
export function chunksHide(...fields: string[]): string {
  const hidden = chunked(SMUGGLED);
  const length = hidden.indexOf('\r\n') + 2;
  return `${post(`Content-Length: ${length}`, ...fields)}${hidden}`;
}

/** Who does not see the chunks reads two requests. */
export function onlyChunks(...fields: string[]): string {
  return `${post(...fields)}${chunked(SMUGGLED)}`;
}

/** Who does not see the length reads two requests. */
export function onlyLength(...fields: string[]): string {
  return `${post(...fields)}${SMUGGLED}`;
}
