import { STATUS_CODES } from 'node:http';
import { ERROR_TABLE, type ErrorKind } from '../errors.ts';

export interface ErrorPage {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the page of a failure depends on beside its kind. */
export interface PageOptions {
  readonly accept?: string | undefined;
  /** What the log has, too; undefined: nothing is logged. */
  readonly requestId?: string | undefined;
  /** In seconds; at 503 it is 5 unless told. */
  readonly retryAfter?: number | undefined;
  /** Value of Strict-Transport-Security, over TLS. */
  readonly hsts?: string | undefined;
}

/**
 * The answer for a failure: a small page, or JSON where `Accept` asks for it and not for HTML.
 * Carries the request id and nothing of the inside.
 */
export function errorPage(kind: ErrorKind, options: PageOptions): ErrorPage {
  const { accept, requestId, hsts } = options;
  const { status, text } = ERROR_TABLE[kind];
  const json =
    /\bapplication\/(\S+\+)?json\b/i.test(accept ?? '') && !/text\/html/i.test(accept ?? '');
  const retryAfter = options.retryAfter ?? (status === 503 ? 5 : undefined);
  const body = json
    ? `${JSON.stringify({ error: kind, status, message: text, requestId })}\n`
    : page(status, text, requestId);
  const headers = {
    'content-type': json ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    ...(json ? {} : { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" }),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    ...(hsts ? { 'strict-transport-security': hsts } : {}),
  };
  return { status, headers, body };
}

/** As `errorPage`, as the bytes of a whole HTTP/1.1 answer; the connection closes unless told. */
export function rawErrorPage(kind: ErrorKind, options: PageOptions, keepAlive = false): string {
  const { status, headers, body } = errorPage(kind, options);
  const lines = Object.entries(keepAlive ? headers : { ...headers, connection: 'close' });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`;
}

function page(status: number, text: string, requestId: string | undefined): string {
  const request = requestId === undefined ? '' : `<p><small>Request ${requestId}</small></p>\n`;
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
${request}</html>
`;
}
