import { readFileSync } from 'node:fs';
import type { Express } from 'express';
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  type MetricObject,
  Registry,
} from 'prom-client';
import { LOOP_WATCH_MS } from './counts.ts';
import { Families } from './metric-families.ts';
import { addCacheMetrics } from './metrics-cache.ts';
import { addProcessMetrics } from './metrics-processes.ts';
import { addServiceMetrics } from './metrics-services.ts';
import { addTrafficMetrics } from './metrics-traffic.ts';
import { readState, type StateSources } from './state.ts';

/** Named as counters, which they are not: Prometheus' linter says so, and others tell the same. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Serves `/metrics` for Prometheus; nothing where metrics are off. */
export function serveMetrics(app: Express, sources: StateSources): void {
  const { metrics } = sources;
  if (!metrics) return;
  const own = new Registry();
  // Those that every process has: CPU time, memory, open files, garbage collection, handles.
  collectDefaultMetrics({ register: own, eventLoopMonitoringPrecision: LOOP_WATCH_MS });
  for (const name of MISNAMED) own.removeSingleMetric(name);
  const version = ownVersion();
  app.get('/metrics', async (_req, res) => {
    // This first: it has the processes told what they count.
    const state = await readState(sources);
    const counts = metrics.counts();
    const families = new Families();
    const build = { version, node_version: process.versions.node };
    families.gauge('dashgate_build_info', 'Always 1; the versions are labels.', build, 1);
    addServiceMetrics(families, state);
    addTrafficMetrics(families, state, counts);
    addCacheMetrics(families, state, counts);
    addProcessMetrics(families, state, metrics.vitals(), counts.totals);
    // What prom-client makes text of are the values of other processes, as it gets them in a cluster.
    const told = AggregatorRegistry.aggregate([families.all as unknown as MetricObject[]]);
    res.set('content-type', told.contentType).send((await told.metrics()) + (await own.metrics()));
  });
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(manifest) as { version: unknown }).version);
}
