import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Peer } from '../policy/forwarded.ts';
import { parseNetworks, plainAddress, trusts } from '../policy/networks.ts';

/** The id under which a request is logged, shown to the client and passed to its backend. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/;

const peers = Symbol('peer');

/** Reads who sent a request; the same answer for the same request, however often it is asked. */
export type PeerReader = (req: IncomingMessage & { [peers]?: Peer }) => Peer;

/**
 * A reader of peers that trusts the given addresses and CIDR ranges.
 * @throws Error for an entry that is neither.
 */
export function createPeerReader(trustedProxies: readonly string[]): PeerReader {
  const trusted = parseNetworks(trustedProxies);
  return (req) => {
    const known = req[peers];
    if (known) return known;
    const address = plainAddress(req.socket.remoteAddress);
    const isTrusted = trusts(trusted, address);
    const told = isTrusted ? req.headers['x-request-id'] : undefined;
    const peer: Peer = {
      address,
      trusted: isTrusted,
      scheme: 'encrypted' in req.socket ? 'https' : 'http',
      requestId: typeof told === 'string' && REQUEST_ID.test(told) ? told : randomUUID(),
    };
    req[peers] = peer;
    return peer;
  };
}
