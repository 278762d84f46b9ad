import { dashgate } from './dashgate.ts';
import { haproxy } from './haproxy.ts';
import type { Peer } from './peer.ts';

/** Dashgate, and what it is measured by. */
export const PEERS: readonly Peer[] = [dashgate, haproxy];
