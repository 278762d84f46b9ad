import { ERROR_TABLE, type ErrorKind } from '../errors.ts';
import {
  type BackendTotals,
  type Counts,
  type ListenerTotals,
  REQUEST_BUCKETS,
  type ServiceTotals,
  TUNNEL_BUCKETS,
  type TunnelTotals,
} from './counts.ts';
import type { Families, Labels } from './metric-families.ts';
import type { GatewayState } from './state.ts';

const CODES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/**
 * Metrics of what went through the data planes: of the services and backends that are configured, so
 * that their number stays what it is whatever came and went.
 */
export function addTrafficMetrics(
  families: Families,
  { services }: GatewayState,
  { totals, levels }: Pick<Counts, 'totals' | 'levels'>,
): void {
  for (const { name: service, backends } of services) {
    const counted = totals.services?.[service];
    if (!counted) continue;
    addService(families, { service }, counted);
    addTunnels(families, { service }, counted.tunnels);
    for (const { name: backend } of backends) {
      const open = levels.upstream?.[service]?.[backend] ?? 0;
      const own = counted.backends[backend];
      if (own) addBackend(families, { service, backend }, own, open);
    }
  }
  for (const [listener, counted] of Object.entries(totals.listeners ?? {})) {
    addListener(families, { listener }, counted, levels.downstream?.[listener] ?? 0);
  }
}

function addService(families: Families, labels: Labels, service: ServiceTotals): void {
  const counter = (name: string, help: string, value: number) =>
    families.counter(`dashgate_service_${name}_total`, help, labels, value);
  addCodes(
    families,
    'dashgate_service_requests_total',
    'Requests by the class of their answer; "none": the client left before.',
    labels,
    service.codes,
  );
  families.counter(
    'dashgate_service_requests_total',
    'Requests by the class of their answer.',
    { ...labels, code: 'none' },
    service.codes[0] ?? 0,
  );
  families.histogram(
    'dashgate_service_request_duration_seconds',
    'From the head of a request to the last byte of its answer.',
    labels,
    REQUEST_BUCKETS,
    service.durations,
  );
  for (const [cause, count] of Object.entries(service.failures)) {
    // A gateway of another version, whose place this one takes, may tell of causes that are not known here.
    const code = String(ERROR_TABLE[cause as ErrorKind]?.status ?? 'unknown');
    families.counter(
      'dashgate_service_failures_total',
      'Requests that the gateway refused, or could not get an answer for, by cause and by the status that stands for it.',
      { ...labels, cause, code },
      count,
    );
  }
  counter('queued', 'Requests that had to wait for a backend.', service.waits);
  counter('queue_wait_seconds', 'How long they waited in all.', service.waitSeconds);
  counter('request_bytes', 'Bytes from clients, without TLS and websockets.', service.bytesIn);
  counter('response_bytes', 'Bytes to clients, without TLS and websockets.', service.bytesOut);
}

function addTunnels(families: Families, labels: Labels, tunnels: TunnelTotals): void {
  families.counter('dashgate_tunnels_opened_total', 'Websockets opened.', labels, tunnels.opened);
  families.counters(
    'dashgate_tunnels_ended_total',
    'Websockets that have ended, by the side that ended them or the cause for which the gateway did.',
    labels,
    'cause',
    tunnels.ended,
  );
  families.histogram(
    'dashgate_tunnel_duration_seconds',
    'How long websockets have lasted that have ended.',
    labels,
    TUNNEL_BUCKETS,
    tunnels.durations,
  );
  families.counters(
    'dashgate_tunnel_bytes_total',
    'Bytes of websockets, from clients (in) and to them (out).',
    labels,
    'direction',
    { in: tunnels.bytesIn, out: tunnels.bytesOut },
  );
}

function addBackend(families: Families, labels: Labels, backend: BackendTotals, open: number) {
  const counter = (name: string, help: string, value: number) =>
    families.counter(`dashgate_backend_${name}_total`, help, labels, value);
  addCodes(
    families,
    'dashgate_backend_responses_total',
    'Answers that clients got from it, by class.',
    labels,
    backend.codes,
  );
  counter('response_seconds', 'How long the requests that it answered took.', backend.seconds);
  counter('request_bytes', 'Bytes sent to it, without websockets.', backend.bytesIn);
  counter('response_bytes', 'Bytes received from it, without websockets.', backend.bytesOut);
  families.gauge(
    'dashgate_backend_connections',
    'Connections for requests that are open, busy or kept.',
    labels,
    open,
  );
  counter('connections', 'Connections begun.', backend.opened);
  counter('connection_reuses', 'Requests over a connection that was kept.', backend.reused);
  counter('connect_failures', 'Connections that failed, TLS included.', backend.connectFailures);
  counter(
    'response_failures',
    'Requests to which no whole answer came though it was reached.',
    backend.responseFailures,
  );
  counter(
    'retries',
    'Requests sent once more as a kept connection turned out to be closed.',
    backend.retries,
  );
  counter(
    'redispatches',
    'Requests that failed there and were tried on another backend.',
    backend.redispatches,
  );
}

function addListener(families: Families, labels: Labels, counted: ListenerTotals, open: number) {
  families.gauge('dashgate_listener_connections', 'Clients that are connected.', labels, open);
  families.counter(
    'dashgate_listener_connections_total',
    'Connections of clients that were accepted.',
    labels,
    counted.accepted,
  );
  families.counters(
    'dashgate_listener_tls_handshakes_total',
    'TLS handshakes, whole ones and those that went on with an earlier session.',
    labels,
    'resumed',
    { false: counted.fullHandshakes, true: counted.resumptions },
  );
  families.counters(
    'dashgate_listener_refusals_total',
    'Connections that came to nothing, by cause.',
    labels,
    'cause',
    counted.refused,
  );
}

function addCodes(
  families: Families,
  name: string,
  help: string,
  labels: Labels,
  codes: readonly number[],
): void {
  for (const [i, code] of CODES.entries()) {
    families.counter(name, help, { ...labels, code }, codes[i + 1] ?? 0);
  }
}
