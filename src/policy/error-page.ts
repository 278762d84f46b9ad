import { STATUS_CODES } from 'node:http';
import { ERROR_TABLE, type ErrorKind } from '../errors.ts';

export interface ErrorPage {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The answer for a failure: a small page, or JSON where `Accept` asks for it and not for HTML.
 * Carries the request id, which the log has too, and nothing of the inside.
 */
export function errorPage(
  kind: ErrorKind,
  accept: string | undefined,
  requestId: string,
  retryAfter?: number,
): ErrorPage {
  const { status, text } = ERROR_TABLE[kind];
  const json =
    /\bapplication\/(\S+\+)?json\b/i.test(accept ?? '') && !/text\/html/i.test(accept ?? '');
  const headers: Record<string, string> = {
    'content-type': json ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': requestId,
  };
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  else if (status === 503) headers['retry-after'] = '5';
  if (!json) {
    headers['content-security-policy'] = "default-src 'none'; style-src 'unsafe-inline'";
  }
  const body = json
    ? `${JSON.stringify({ error: kind, status, message: text, requestId })}\n`
    : page(status, text, requestId);
  headers['content-length'] = String(Buffer.byteLength(body));
  return { status, headers, body };
}

/** As `errorPage`, as the bytes of a whole HTTP/1.1 answer; the connection closes unless told. */
export function rawErrorPage(
  kind: ErrorKind,
  accept: string | undefined,
  requestId: string,
  keepAlive = false,
  retryAfter?: number,
): string {
  const { status, headers, body } = errorPage(kind, accept, requestId, retryAfter);
  const lines = Object.entries(keepAlive ? headers : { ...headers, connection: 'close' });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`;
}

function page(status: number, text: string, requestId: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${status}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem }
h1 { font-size: 3rem; margin: 0 }
small { opacity: .7 }
</style>
<h1>${status}</h1>
<p>${text}</p>
<p><small>Request ${requestId}</small></p>
</html>
`;
}
