import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { startMemcached } from '../support/memcached.ts';
import { type Scrape, scrape } from '../support/metrics.ts';
import { until } from '../support/until.ts';

const PACKAGING = new URL('../../packaging/', import.meta.url);
const RULES = new URL('prometheus/alerts.yml', PACKAGING).pathname;
const DASHBOARD = new URL('grafana/dashgate.json', PACKAGING).pathname;
const README = new URL('../../README.md', import.meta.url).pathname;

/** What is told only when it has happened once. */
const EVERYTHING = [
  'dashgate_cache_node_operations_total{',
  'dashgate_backend_check_success{',
  'dashgate_event_loop_delay_p99_seconds{process="worker-1"}',
];

/** Runs Prometheus' own tool. */
function promtool(args: readonly string[], input = ''): { status: number | null; said: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, {
    input,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (error) throw error;
  return { status, said: stdout + stderr };
}

/** Names of the gateway's metrics in a query, or anything else. */
function metricsIn(text: string): string[] {
  return [...text.matchAll(/\b(?:dashgate|nodejs|process)_[a-z0-9_]+\b/g)].map(([name]) => name);
}

function expressionsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    (key === 'expr' || key === 'query') && typeof value === 'string'
      ? [value]
      : expressionsOf(value),
  );
}

function assertAllThere(names: readonly string[], seen: Scrape, where: string): void {
  assert.ok(names.length > 5, `${where} has metrics in it`);
  const there = seen.names;
  const missing = names.filter((name) => !there.has(name));
  assert.deepEqual(missing, [], `${where} names metrics that are not there`);
}

test("Prometheus' tool finds no fault, and dashboard, alerts and README name what is there", async (t) => {
  const backend = await startBackend(t);
  const memcached = await startMemcached(t);
  const gateway = await startGatewayProcess(t, {
    WORKERS: '1',
    PORTAL_BACKENDS: `${backend.url} name=one`,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: `${backend.url} name=two`,
    CACHE_LISTEN: '127.0.0.1:0',
    MEMCACHED_SERVERS: memcached.address,
  });
  const admin = gateway.port('admin');
  await until('backends, nodes and workers are known', async () => {
    const { text } = await scrape(admin);
    return EVERYTHING.every((metric) => text.includes(metric));
  });
  const seen = await scrape(admin);
  const checked = promtool(['check', 'metrics'], seen.text);
  assert.deepEqual(checked, { status: 0, said: '' });

  const rules = promtool(['check', 'rules', RULES]);
  assert.equal(rules.status, 0, rules.said);
  const alerts = readFileSync(RULES, 'utf8');
  assertAllThere(
    alerts.split('\n').flatMap((line) => (/^\s*#/.test(line) ? [] : metricsIn(line))),
    seen,
    'the alert rules',
  );
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as unknown;
  assertAllThere(expressionsOf(dashboard).flatMap(metricsIn), seen, 'the dashboard');

  const families = [...seen.text.matchAll(/^# TYPE (dashgate_\w+)/gm)].map(([, name]) => name!);
  const readme = readFileSync(README, 'utf8');
  const untold = families.filter((name) => !readme.includes(`\`${name}\``));
  assert.deepEqual(untold, [], 'the README has a line for each');
});
