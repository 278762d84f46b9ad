import type { NodeHealth } from '../cache/cache-health.ts';
import type { CacheTotals, Counts } from './counts.ts';
import type { Families, Labels } from './metric-families.ts';
import type { GatewayState } from './state.ts';

/** Metrics of memcached's nodes, and of the session cache before them where it is on. */
export function addCacheMetrics(
  families: Families,
  { memcached, cache }: GatewayState,
  { totals, levels }: Pick<Counts, 'totals' | 'levels'>,
): void {
  for (const { node, state } of memcached) {
    const help = '1 if it answered when it was asked for this.';
    families.gauge('dashgate_memcached_up', help, { node }, state === 'up' ? 1 : 0);
  }
  if (cache) {
    families.gauge(
      'dashgate_cache_sure',
      '1 if the session cache reaches a majority of the nodes.',
      {},
      cache.sure ? 1 : 0,
    );
    families.gauge(
      'dashgate_cache_moving',
      '1 while the session cache moves to other nodes.',
      {},
      cache.move ? 1 : 0,
    );
    for (const health of cache.nodes) {
      addNode(families, { node: health.node }, health, totals.cache?.nodes[health.node]);
    }
  }
  if (totals.cache) addDoor(families, totals.cache, levels.cache ?? 0);
}

function addNode(
  families: Families,
  labels: Labels,
  { state, reachable, refill }: NodeHealth,
  counts: CacheTotals['nodes'][string] | undefined,
): void {
  const gauge = (name: string, help: string, value: number) =>
    families.gauge(`dashgate_cache_node_${name}`, help, labels, value);
  families.states(
    'dashgate_cache_node_state',
    'What the session cache believes of a node.',
    labels,
    ['full', 'refilling', 'behind'],
    state,
  );
  gauge('reachable', '1 if the session cache reaches it.', reachable ? 1 : 0);
  gauge('refill_keys', 'Keys looked at in the refill under way; 0: none.', refill?.keys ?? 0);
  if (!counts) return;
  const counter = (name: string, help: string, value: number) =>
    families.counter(`dashgate_cache_node_${name}_total`, help, labels, value);
  counter('operations', 'Requests of the session cache to it.', counts.operations);
  counter('failures', 'Those that it did not answer.', counts.failures);
  counter('operation_seconds', 'How long it took for its answers.', counts.latencyMs / 1_000);
}

function addDoor(families: Families, counted: CacheTotals, open: number): void {
  families.counters(
    'dashgate_cache_commands_total',
    'Commands of dashboards to the session cache.',
    {},
    'command',
    counted.commands,
  );
  families.counters(
    'dashgate_cache_outcomes_total',
    "What became of them, in the words of memcached's stats.",
    {},
    'outcome',
    counted.outcomes,
  );
  families.counters(
    'dashgate_cache_errors_total',
    'Errors that it answered, by whose they were.',
    {},
    'side',
    counted.errors,
  );
  families.counters(
    'dashgate_cache_bytes_total',
    'Bytes from dashboards (in) and to them (out), without TLS.',
    {},
    'direction',
    { in: counted.bytes.read, out: counted.bytes.written },
  );
  families.gauge('dashgate_cache_connections', 'Dashboards that are connected.', {}, open);
  families.counter(
    'dashgate_cache_connections_total',
    'Connections of dashboards that were accepted.',
    {},
    counted.connections,
  );
  families.counters(
    'dashgate_cache_refusals_total',
    'Connections that were not served, or not any longer, by cause.',
    {},
    'cause',
    counted.refused,
  );
}
