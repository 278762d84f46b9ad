import type { BackendState, ServiceState } from '../../src/admin/state.ts';
import type { RemoteState } from '../../src/admin-client/remote-state.ts';
import { BackendHistory } from '../../src/upstream/backend-counters.ts';

/** A backend that is well. */
export function backendState(given: Partial<BackendState> = {}): BackendState {
  return {
    name: 'one',
    url: 'http://10.0.0.11:80',
    health: 'up',
    healthSince: undefined,
    ejectedUntil: undefined,
    adminState: 'ready',
    ejected: false,
    usable: true,
    backup: false,
    weight: 1,
    ramp: 1,
    maxconn: 0,
    elsewhere: 0,
    active: 0,
    tunnels: 0,
    claimed: 0,
    failed: 0,
    failedInARow: 0,
    history: new BackendHistory(),
    lastCheck: { at: new Date(0), ok: true, detail: 'GET /health gave 200', durationMs: 3.4 },
    ...given,
  };
}

/** A service on which nothing happens. */
export function serviceState(given: Partial<ServiceState>): ServiceState {
  return { name: 'portal', queued: 0, tunnels: 0, traffic: undefined, backends: [], ...given };
}

/** The state of a gateway that is well, as its admin listener tells it. */
export function gatewayState(given: Partial<RemoteState> = {}): RemoteState {
  return {
    ready: true,
    uptimeSeconds: 7_300,
    services: [serviceState({ backends: [backendState()] })],
    memcached: [{ node: '10.0.0.1:11211', state: 'up', detail: '1.6.18' }],
    ...given,
  };
}
