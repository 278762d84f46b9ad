import type { IncomingHttpHeaders } from 'node:http';
import { type BlockList, isIP } from 'node:net';
import { ADMIN_COOKIE, withoutCookie } from './cookies.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { plainAddress, trusts } from './networks.ts';

/** Who is at the other end of the connection that a request comes on. */
export interface Client {
  /** Address of the client that is connected. */
  readonly address: string;
  /** The operator's proxies where it is one of them, whose word on forwarding counts; undefined: it is none. */
  readonly proxies: BlockList | undefined;
  /** Scheme on which the request came in. */
  readonly scheme: 'https' | 'http';
}

/** What the gateway knows of a request beside its own headers. */
export interface Peer extends Client {
  readonly requestId: string;
}

/**
 * Fields for the next hop only (RFC 9110 §7.6.1); Proxy-* are old names that still circulate. Names with
 * `_` are no framing here, but to a backend that cannot tell `_` from `-` they would be.
 */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'transfer_encoding',
  'content_length',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
];

/** Fields that tell a backend who asks, for which only the gateway's own word counts. */
export const FORWARDING: ReadonlySet<string> = new Set([
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
    if (named.has(name) || FORWARDING.has(name.replaceAll('_', '-'))) continue;
    headers[name] = value;
  }
  dropHopByHop(headers, incoming['transfer-encoding']);
  // The gateway itself has answered 100-continue by the time that a request is forwarded.
  delete headers.expect;
  if (headers.cookie) {
    headers.cookie = withoutCookie(headers.cookie, ADMIN_COOKIE);
    if (headers.cookie === '') delete headers.cookie;
  }

  const told = forwarding(fieldsOf(incoming), incoming.host ?? '', peer);
  headers['x-forwarded-for'] = told.client;
  headers['x-forwarded-proto'] = told.proto;
  headers['x-forwarded-host'] = told.host;
  headers['x-forwarded-port'] = told.port;
  headers['x-real-ip'] = told.realIp;
  headers['x-request-id'] = peer.requestId;
  return headers;
}

/** What a backend is told of who asks: the values of the `X-Forwarded-*` fields and X-Real-IP. */
export interface Forwarding {
  readonly client: string;
  readonly proto: string;
  readonly host: string;
  readonly port: string;
  readonly realIp: string;
}

/** The id under which a request is logged, shown to the client and passed to its backend. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/;

/** The id that a request has already, where a trusted peer gave it one that can be a field's value. */
export function requestIdOf(incoming: Fields, from: Client): string | undefined {
  const id = from.proxies ? incoming.value('x-request-id') : undefined;
  return id !== undefined && REQUEST_ID.test(id) ? id : undefined;
}

/** Says who asks, for a request with these fields to `host`; a trusted peer's word goes first. */
export function forwarding(incoming: Fields, host: string, from: Client): Forwarding {
  const { address, scheme } = from;
  if (!from.proxies) {
    return { client: address, proto: scheme, host, port: portOf(host, from), realIp: address };
  }
  const client = told(incoming, 'x-forwarded-for');
  const proto = told(incoming, 'x-forwarded-proto');
  return {
    client: client ? `${client}, ${address}` : address,
    proto: proto === 'https' || proto === 'http' ? proto : scheme,
    host: told(incoming, 'x-forwarded-host') ?? host,
    port: told(incoming, 'x-forwarded-port') ?? portOf(host, from),
    realIp: clientAddress(incoming, from),
  };
}

/**
 * The address of the client itself: behind trusted peers the last one in X-Forwarded-For that is not
 * one of them, for what stands before it the client may have written itself.
 */
export function clientAddress(incoming: Fields, { address: nearest, proxies }: Client): string {
  let address = nearest;
  if (!proxies) return address;
  const hops = incoming.value('x-forwarded-for')?.split(',') ?? [];
  for (const hop of hops.reverse()) {
    const next = addressOf(hop.trim());
    if (next === undefined) return address;
    address = next;
    if (!trusts(proxies, address)) return address;
  }
  return address;
}

/** An element of X-Forwarded-For: some proxies add the port, and brackets to IPv6. */
const HOP = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/;

function addressOf(hop: string): string | undefined {
  const [, bracketed, bare] = HOP.exec(hop) ?? [];
  const address = plainAddress(bracketed ?? bare ?? hop);
  return isIP(address) === 0 ? undefined : address;
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

function told(incoming: Fields, name: string): string | undefined {
  return incoming.value(name)?.trim() || undefined;
}

function portOf(host: string, { scheme }: Client): string {
  return /:(\d{1,5})$/.exec(host)?.[1] ?? (scheme === 'https' ? '443' : '80');
}
