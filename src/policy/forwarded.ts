import type { IncomingHttpHeaders } from 'node:http';

/** What the gateway knows of a request beside its own headers. */
export interface Peer {
  /** Address of the client that is connected. */
  readonly address: string;
  /** The client is a proxy of the operator's, whose word on forwarding counts. */
  readonly trusted: boolean;
  /** Scheme on which the request came in. */
  readonly scheme: 'https' | 'http';
  readonly requestId: string;
}

// RFC 9110 §7.6.1; Proxy-* are old names that still circulate.
const HOP_BY_HOP = [
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
];

const OURS = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'x-forwarded-server',
  'x-forwarded-prefix',
  'x-real-ip',
  'x-request-id',
]);

/**
 * The headers that a backend gets: hop-by-hop ones and those that `Connection` names are dropped
 * (RFC 9110 §7.6.1), the forwarding ones are ours. Django trusts the first element of
 * X-Forwarded-Proto and nova compares it whole, so it carries exactly one value. Names that
 * differ only by `_` for `-` are dropped too, because WSGI cannot tell them apart.
 */
export function requestHeaders(incoming: IncomingHttpHeaders, peer: Peer): IncomingHttpHeaders {
  const named = connectionTokens(incoming.connection);
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming)) {
    if (named.has(name) || OURS.has(name.replaceAll('_', '-'))) continue;
    headers[name] = value;
  }
  dropHopByHop(headers, incoming['transfer-encoding']);
  // The gateway itself has answered 100-continue by the time that a request is forwarded.
  delete headers.expect;

  const host = incoming.host ?? '';
  const told = peer.trusted ? incoming : {};
  const client = single(told['x-forwarded-for']);
  const proto = single(told['x-forwarded-proto']);
  headers['x-forwarded-for'] = client ? `${client}, ${peer.address}` : peer.address;
  headers['x-forwarded-proto'] = proto === 'https' || proto === 'http' ? proto : peer.scheme;
  headers['x-forwarded-host'] = single(told['x-forwarded-host']) ?? host;
  headers['x-forwarded-port'] = single(told['x-forwarded-port']) ?? portOf(host, peer);
  headers['x-real-ip'] = client?.split(',', 1)[0]?.trim() ?? peer.address;
  headers['x-request-id'] = peer.requestId;
  return headers;
}

/** As `requestHeaders`, for a websocket handshake: `Upgrade` crosses, as RFC 6455 §4.1 asks. */
export function upgradeHeaders(incoming: IncomingHttpHeaders, peer: Peer): IncomingHttpHeaders {
  return {
    ...requestHeaders(incoming, peer),
    connection: 'Upgrade',
    upgrade: incoming.upgrade,
  };
}

/** Drops, in place, what of a backend's answer is meant for the gateway alone. */
export function stripResponseHeaders(headers: IncomingHttpHeaders): void {
  for (const name of connectionTokens(headers.connection)) {
    if (name !== 'content-length' && name !== 'transfer-encoding') delete headers[name];
  }
  dropHopByHop(headers, headers['transfer-encoding']);
}

function dropHopByHop(headers: IncomingHttpHeaders, transferEncoding: string | undefined): void {
  for (const name of HOP_BY_HOP) delete headers[name];
  // Node frames the message anew by this header; it is not the client's own that crosses.
  if (transferEncoding !== undefined) headers['transfer-encoding'] = transferEncoding;
}

function connectionTokens(connection: string | undefined): Set<string> {
  const tokens = new Set<string>();
  for (const token of connection?.split(',') ?? []) tokens.add(token.trim().toLowerCase());
  tokens.delete('');
  // These frame the message; a client that names them cannot make them vanish.
  tokens.delete('content-length');
  tokens.delete('host');
  return tokens;
}

function single(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.join(', ') : value;
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

function portOf(host: string, peer: Peer): string {
  return /:(\d{1,5})$/.exec(host)?.[1] ?? String(peer.scheme === 'https' ? 443 : 80);
}
