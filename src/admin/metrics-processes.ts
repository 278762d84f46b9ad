import type { Totals, Vitals } from './counts.ts';
import type { Families } from './metric-families.ts';
import type { GatewayState, WorkerState } from './state.ts';

const STATES = ['starting', 'serving', 'draining', 'waiting'] as const;

/**
 * Metrics of a gateway's processes. The ones that serve have a name that stays when another takes
 * their place; those that drain are counted only.
 * @param vitals of this process first
 */
export function addProcessMetrics(
  families: Families,
  { workers }: GatewayState,
  [own, ...others]: readonly Vitals[],
  { cpu }: Totals,
): void {
  for (const kind of ['relay', 'cache'] as const) {
    const those = workers.filter((worker) => worker.kind === kind);
    if (those.length === 0) continue;
    for (const state of STATES) {
      const count = those.filter((worker) => worker.state === state).length;
      families.gauge('dashgate_workers', 'Processes by what they do.', { kind, state }, count);
    }
    families.counter(
      'dashgate_worker_cpu_seconds_total',
      'CPU time of workers, those included that are gone.',
      { kind },
      cpu?.[kind] ?? 0,
    );
  }
  if (own) addVitals(families, 'supervisor', own);
  for (const worker of workers) {
    if (worker.state === 'draining') continue;
    const name = nameOf(worker);
    const help = 'How often a worker has died in that place.';
    families.counter('dashgate_worker_restarts_total', help, { process: name }, worker.restarts);
    const told = others.find(({ pid }) => pid === worker.pid);
    if (told) addVitals(families, name, told);
  }
}

function addVitals(families: Families, process: string, { residentBytes, delay }: Vitals): void {
  const gauge = (name: string, help: string, value: number) =>
    families.gauge(`dashgate_${name}`, help, { process }, value);
  gauge('process_memory_bytes', 'Resident memory of a process of the gateway.', residentBytes);
  gauge('event_loop_delay_mean_seconds', 'How late an event loop was of late: mean.', delay.mean);
  gauge('event_loop_delay_p99_seconds', 'The same: 99th percentile.', delay.p99);
  gauge('event_loop_delay_max_seconds', 'The same: the most.', delay.max);
}

function nameOf({ kind, slot }: WorkerState): string {
  return kind === 'cache' ? 'cache' : `worker-${slot + 1}`;
}
