import { dashgate } from '../../bench/peers/dashgate.ts';
import { haproxy } from '../../bench/peers/haproxy.ts';
import { nginx } from '../../bench/peers/nginx.ts';
import type { Peer } from '../../bench/peers/peer.ts';

export type { Peer };

/** What is attacked: each with one process, or thread, for clients, and the same deadlines. */
export const PROXIES: readonly Peer[] = [dashgate, haproxy, nginx];
