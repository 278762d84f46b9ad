import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { fieldsOf } from '../policy/fields.ts';
import { type Client, type Peer, requestIdOf } from '../policy/forwarded.ts';
import { parseNetworks, plainAddress, trusts } from '../policy/networks.ts';

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
    const client: Client = {
      address,
      proxies: trusts(trusted, address) ? trusted : undefined,
      scheme: 'encrypted' in req.socket ? 'https' : 'http',
    };
    const requestId = requestIdOf(fieldsOf(req.headers), client) ?? randomUUID();
    const peer: Peer = { ...client, requestId };
    req[peers] = peer;
    return peer;
  };
}
