import { dashgate } from './dashgate.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import type { TestedProxy } from './proxy.ts';

/** Dashgate, and what it is compared with. */
export const PROXIES: readonly TestedProxy[] = [dashgate, haproxy, nginx];
