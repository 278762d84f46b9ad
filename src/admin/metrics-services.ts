import type { Families, Labels } from './metric-families.ts';
import type { BackendState, GatewayState } from './state.ts';

/** Metrics of services and backends as they are now, and what their checks have seen. */
export function addServiceMetrics(
  families: Families,
  { ready, services, shared, refusals }: GatewayState,
): void {
  families.gauge(
    'dashgate_ready',
    '1 if every service has a backend that is up and takes work.',
    {},
    ready ? 1 : 0,
  );
  const gateways = 1 + (shared?.peers.length ?? 0);
  families.gauge('dashgate_gateways', 'Gateways that are alive, this one included.', {}, gateways);
  families.counter(
    'dashgate_log_lines_dropped_total',
    'Lines of the access log that could not be delivered.',
    {},
    refusals?.logLinesDropped ?? 0,
  );
  for (const { name: service, queued, tunnels, backends } of services) {
    const labels = { service };
    families.gauge('dashgate_service_queue', 'Requests that wait for a backend.', labels, queued);
    families.gauge('dashgate_tunnels', 'Open websockets.', labels, tunnels);
    for (const backend of backends)
      addBackend(families, { service, backend: backend.name }, backend);
  }
}

function addBackend(families: Families, labels: Labels, backend: BackendState): void {
  const { health, adminState, history, lastCheck } = backend;
  const gauge = (name: string, help: string, value: number) =>
    families.gauge(`dashgate_backend_${name}`, help, labels, value);
  const counter = (name: string, help: string, value: number) =>
    families.counter(`dashgate_backend_${name}_total`, help, labels, value);
  gauge('usable', '1 if it may take new work.', backend.usable ? 1 : 0);
  families.states(
    'dashgate_backend_health',
    'What its health checks say.',
    labels,
    ['up', 'down', 'unknown'],
    health,
  );
  families.states(
    'dashgate_backend_admin_state',
    'What the operator wants of it.',
    labels,
    ['ready', 'drain', 'maint'],
    adminState,
  );
  gauge('ejected', '1 while it is left out as traffic to it failed.', backend.ejected ? 1 : 0);
  gauge('weight', 'Its share of the work, as wanted.', backend.weight);
  gauge('ramp', 'How much of its weight it has since it came back.', backend.ramp);
  gauge('maxconn', 'Most requests and websockets at once; 0 for no limit.', backend.maxconn);
  gauge('requests', 'Requests under way to it.', backend.active - backend.tunnels);
  gauge('tunnels', 'Open websockets to it.', backend.tunnels);
  if (lastCheck) {
    const seconds = lastCheck.durationMs / 1_000;
    gauge('check_success', '1 if its last health check was good.', lastCheck.ok ? 1 : 0);
    gauge('check_duration_seconds', 'How long its last health check took.', seconds);
    gauge(
      'check_timestamp_seconds',
      'When its last health check ended, in Unix time.',
      lastCheck.at.getTime() / 1_000,
    );
  }
  counter('checks', 'Health checks made.', history.checks);
  counter('check_failures', 'Health checks that were not good.', history.failedChecks);
  counter('downs', 'How often its health went down.', history.falls);
  counter('ejections', 'How often it was left out as traffic to it failed.', history.ejections);
}
