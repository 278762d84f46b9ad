import { dashgate } from './dashgate.ts';
import { haproxy } from './haproxy.ts';
import { hitch } from './hitch.ts';
import { middleware } from './middleware.ts';
import { nginx } from './nginx.ts';
import type { Peer } from './peer.ts';

/** Everything that can be measured, in the order of the table. */
export const PEERS: readonly Peer[] = [dashgate, haproxy, hitch, nginx, middleware];

/** Ratios are to this one. */
export const REFERENCE = haproxy.name;
