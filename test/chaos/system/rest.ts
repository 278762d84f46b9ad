import { setTimeout as delay } from 'node:timers/promises';
import { memoryKiB } from '../../bench/usage.ts';
import { openSocketsOf } from '../../support/process-sockets.ts';
import { descendants } from '../../support/processes.ts';
import type { Gateway } from './cluster/gateway.ts';
import type { Site } from './cluster/site.ts';

/** Memory of some gateways, in MiB (PSS). */
export function memoryOf(gateways: readonly Gateway[]): number {
  return Math.round(memoryKiB(gateways.map(({ pid }) => pid)) / 1_024);
}

/** How long gateways may take to be at rest, in ms: longer than both wait for a side that says nothing (60 s). */
const REST_MS = 75_000;
const STEP_MS = 200;

/**
 * What gateways hold when nobody wants anything of them any more: connections of clients, connections to
 * backends other than of health checks (which are there now and then, and gone at the next look), processes
 * that were to end. Nothing where there is a moment without any.
 */
export async function restOf(gateways: readonly Gateway[], site: Site): Promise<string[]> {
  const deadline = performance.now() + REST_MS;
  for (;;) {
    const held = gateways.flatMap((gateway) => heldBy(gateway, site));
    if (held.length === 0) return [];
    if (performance.now() > deadline) return held;
    await delay(STEP_MS);
  }
}

function heldBy({ name, pid, ports }: Gateway, { dashboards, consoles }: Site): string[] {
  const backends = new Set([...dashboards, ...consoles].map(({ way }) => way.port));
  const tree = [pid, ...descendants(pid).map((process) => process.pid)];
  const sockets = tree.flatMap(openSocketsOf);
  const clients = sockets.filter(
    ({ localPort }) => localPort === ports.portal || localPort === ports.console,
  );
  const upstream = sockets.filter(({ remotePort }) => backends.has(remotePort));
  return [
    ...clients.map(({ state }) => `${name}: a client's connection, ${state}`),
    ...upstream.map(({ state }) => `${name}: a connection to a backend, ${state}`),
  ];
}
