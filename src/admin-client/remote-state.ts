import type { GatewayState, ListenerInfo, SharedView, WorkerState } from '../admin/state.ts';
import type { CacheHealth } from '../cache/cache-health.ts';

/**
 * The state of a gateway as `/api/state` tells it, which may be of another version: what reports need,
 * and what there may be besides.
 */
export interface RemoteState extends Pick<GatewayState, 'ready' | 'services' | 'memcached'> {
  readonly uptimeSeconds?: number;
  readonly gateway?: { readonly listeners: readonly ListenerInfo[] };
  readonly workers?: readonly RemoteWorker[];
  readonly cache?: Pick<CacheHealth, 'sure' | 'nodes'>;
  readonly shared?: SharedView;
}

/** Only newer gateways tell of deaths in a row. */
export type RemoteWorker = Omit<WorkerState, 'deaths'> & Partial<Pick<WorkerState, 'deaths'>>;

type Fields = Readonly<Record<string, (value: unknown) => boolean>>;

const isText = (value: unknown) => typeof value === 'string';
const isNumber = (value: unknown) => typeof value === 'number';
const isFlag = (value: unknown) => typeof value === 'boolean';
/** JSON has null where there is no number, such as for no limit. */
const isLimit = (value: unknown) => value === null || isNumber(value);

const isCheck = has({ detail: isText, durationMs: isNumber });
const isBackend = has({
  name: isText,
  health: isText,
  adminState: isText,
  ejected: isFlag,
  usable: isFlag,
  backup: isFlag,
  weight: isNumber,
  maxconn: isLimit,
  elsewhere: isNumber,
  active: isNumber,
  tunnels: isNumber,
  claimed: isNumber,
  failed: isNumber,
  lastCheck: optional(isCheck),
});
const isCacheNode = has({
  node: isText,
  state: isText,
  reachable: isFlag,
  facts: optional(has({ version: isText })),
  error: optional(isText),
});
const isBeat = has({
  name: isText,
  backends: listOf(has({ name: isText, tunnels: isNumber, health: isText })),
});
const isShared = has({
  name: isText,
  peers: listOf(has({ name: isText, ageMs: isNumber, services: listOf(isBeat) })),
  decisions: listOf(
    has({ subject: isText, state: isText, weight: isLimit, scope: isText, by: optional(isText) }),
  ),
});
const isState = has({
  ready: isFlag,
  services: listOf(
    has({ name: isText, queued: isNumber, tunnels: isNumber, backends: listOf(isBackend) }),
  ),
  memcached: listOf(has({ node: isText, state: isText, detail: isText })),
  uptimeSeconds: optional(isNumber),
  gateway: optional(
    has({ listeners: listOf(has({ name: isText, address: isText, port: isNumber })) }),
  ),
  workers: optional(
    listOf(
      has({
        kind: isText,
        slot: isNumber,
        pid: isNumber,
        state: isText,
        restarts: isNumber,
        deaths: optional(isNumber),
      }),
    ),
  ),
  cache: optional(has({ sure: isFlag, nodes: listOf(isCacheNode) })),
  shared: optional(isShared),
});

/** Whether all is there that reports need. */
export function isRemoteState(value: unknown): value is RemoteState {
  return isState(value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function has(fields: Fields): (value: unknown) => boolean {
  return (value) =>
    isRecord(value) && Object.entries(fields).every(([name, isGood]) => isGood(value[name]));
}

function listOf(isGood: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.every(isGood);
}

function optional(isGood: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || value === null || isGood(value);
}
