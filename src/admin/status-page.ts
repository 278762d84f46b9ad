import type { CacheHealth, NodeHealth } from '../cache/cache-health.ts';
import { Html, html } from '../html.ts';
import type {
  BackendState,
  GatewayState,
  NodeReport,
  PeerView,
  ServiceState,
  SharedView,
  WorkerState,
} from './state.ts';

/** The status page: services, their backends and the memcached nodes; it refreshes itself. */
export function statusPage(state: GatewayState): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>Dashgate: ${state.ready ? 'ready' : 'not ready'}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<h1>Dashgate</h1>
<p>${badge(state.ready ? 'up' : 'down', state.ready ? 'ready' : 'not ready')} up for ${age(state.uptimeSeconds)}</p>
</header>
<main>
${state.services.map(serviceSection)}
${state.shared ? gatewaySection(state.shared) : ''}
${nodeSection(state.memcached, state.cache)}
${state.workers.length > 0 ? workerSection(state.workers) : ''}
</main>
</body>
</html>
`.text;
}

function serviceSection({ name, queued, tunnels, backends }: ServiceState): Html {
  return html`<section aria-labelledby="${name}">
<h2 id="${name}">${name}</h2>
<p>${queued} waiting, ${tunnels} open ${tunnels === 1 ? 'websocket' : 'websockets'}</p>
<div class="scroll"><table>
<thead><tr><th>Backend<th>State<th>Last check<th class="n">Weight<th class="n">Active<th class="n">Served<th class="n">Failed</tr></thead>
<tbody>
${backends.map(backendRow)}
</tbody>
</table></div>
</section>`;
}

function backendRow(backend: BackendState): Html {
  const check = backend.lastCheck;
  const checked = check
    ? html`${check.detail} <small>in ${check.durationMs.toFixed(0)} ms, ${check.at.toISOString().slice(11, 19)} UTC</small>`
    : 'none yet';
  const limit = backend.maxconn === 0 ? '' : ` / ${backend.maxconn}`;
  return html`<tr><th scope="row">${backend.name}${backend.backup && html` <small>backup</small>`}
<td>${badge(backend.health, backend.health)}${backend.ejected && html` ${badge('down', 'ejected')}`}${backend.adminState === 'ready' ? '' : ` ${backend.adminState}`}
<td>${checked}
<td class="n">${backend.weight}${backend.ramp < 1 && html` <small>× ${backend.ramp.toFixed(2)}</small>`}<td class="n">${backend.active}${limit}${backend.elsewhere > 0 && html` <small>+ ${backend.elsewhere} elsewhere</small>`}<td class="n">${backend.claimed}<td class="n">${backend.failed}</tr>`;
}

function gatewaySection({ name, peers, decisions }: SharedView): Html {
  return html`<section aria-labelledby="gateways">
<h2 id="gateways">gateways</h2>
<div class="scroll"><table>
<thead><tr><th>Gateway<th>Last heard of<th class="n">Websockets</tr></thead>
<tbody>
<tr><th scope="row">${name}<td>this one<td class="n"></tr>
${peers.map(peerRow)}
</tbody>
</table></div>
${decisions.map(
  ({ subject, state, weight, scope, by }) =>
    html`<p>${subject}: ${state}${weight !== null && `, weight ${weight}`} <small>${scope === 'cluster' ? `decided on ${by}` : 'on this gateway alone'}</small></p>`,
)}
</section>`;
}

function peerRow({ name, ageMs, services }: PeerView): Html {
  const tunnels = services
    .flatMap(({ backends }) => backends)
    .reduce((sum, backend) => sum + backend.tunnels, 0);
  return html`<tr><th scope="row">${name}<td>${(ageMs / 1000).toFixed(1)} s ago<td class="n">${tunnels}</tr>`;
}

function nodeSection(nodes: readonly NodeReport[], cache: CacheHealth | undefined): Html {
  const copies = new Map(cache?.nodes.map((health) => [health.node, health]));
  const named = new Set(nodes.map(({ node }) => node));
  // While nodes are exchanged, the cache has some that the configuration no longer names.
  const others = [...copies.values()].filter(({ node }) => !named.has(node)).map(reportOf);
  const rows = [...nodes, ...others].map(
    ({ node, state, detail }) =>
      html`<tr><th scope="row">${node}<td>${badge(state, state)}<td>${copyState(copies.get(node))}<td>${traffic(copies.get(node))}<td>${detail}</tr>`,
  );
  const unsure = cache && !cache.sure;
  const move = cache?.move;
  return html`<section aria-labelledby="memcached">
<h2 id="memcached">memcached</h2>
${unsure ? html`<p>${badge('down', 'unsure')} The session cache does not reach a majority of the nodes.</p>` : ''}
${move ? html`<p>${badge('unknown', 'moving')} The session cache moves to ${move.to.join(', ')}${move.leaving.length > 0 ? `; leave ${move.leaving.join(', ')} running until it is done` : ''}.</p>` : ''}
<div class="scroll"><table>
<thead><tr><th>Node<th>State<th>Session cache<th>Requests<th>Version</tr></thead>
<tbody>
${rows}
</tbody>
</table></div>
</section>`;
}

function reportOf({ node, reachable, facts, error }: NodeHealth): NodeReport {
  return {
    node,
    state: reachable ? 'up' : 'down',
    detail: (reachable ? facts?.version : error) ?? '',
  };
}

/** What the session cache has asked of a node. */
function traffic(health: NodeHealth | undefined): string {
  if (!health) return '';
  const { operations, failures, latencyMs } = health.counts;
  const answered = operations - failures;
  const mean = answered > 0 ? `, ${(latencyMs / answered).toFixed(2)} ms on average` : '';
  return `${operations}, ${failures} failed${mean}`;
}

/** What the session cache believes of a node. */
function copyState(health: NodeHealth | undefined): Html | string {
  if (!health) return 'off';
  const { state, since, reason, refill } = health;
  const at = html` <small>since ${new Date(since).toISOString().slice(0, 19).replace('T', ' ')} UTC</small>`;
  if (state === 'full') return html`${badge('up', state)}${at}`;
  const told = refill ? `${refill.keys} keys looked at, ${refill.copied} copied` : (reason ?? '');
  return html`${badge(state === 'behind' ? 'down' : 'unknown', state)}${at} ${told}`;
}

function workerSection(workers: readonly WorkerState[]): Html {
  return html`<section aria-labelledby="workers">
<h2 id="workers">workers</h2>
<div class="scroll"><table>
<thead><tr><th>Process<th>State<th>Age<th class="n">Clients<th class="n">Websockets<th class="n">Died before</tr></thead>
<tbody>
${workers.map(workerRow)}
</tbody>
</table></div>
</section>`;
}

function workerRow(worker: WorkerState): Html {
  const { kind, slot, pid, state, ageSeconds, connections, tunnels, restarts } = worker;
  const name = kind === 'cache' ? 'session cache' : `worker ${slot + 1}`;
  const look = {
    serving: 'up',
    draining: 'unknown',
    starting: 'unknown',
    waiting: 'down',
  } as const;
  return html`<tr><th scope="row">${name} <small>${pid === 0 ? '' : pid}</small>
<td>${badge(look[state], state)}<td>${age(ageSeconds)}
<td class="n">${kind === 'cache' ? '' : connections}<td class="n">${kind === 'cache' ? '' : tunnels}<td class="n">${restarts}</tr>`;
}

function badge(state: 'up' | 'down' | 'unknown', label: string): Html {
  return html`<span class="badge ${state}">${label}</span>`;
}

function age(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const;
  for (const [size, unit] of units) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${seconds} s`;
}

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem }
header { display: flex; align-items: baseline; gap: 1.5rem; flex-wrap: wrap }
h1 { margin: 0 } h2 { margin: 2rem 0 0; text-transform: capitalize } p { margin: .25rem 0 .75rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); font-weight: 400 }
thead th { font-size: .85rem; opacity: .7 } th[scope=row] { font-family: ui-monospace, monospace }
.n { text-align: right; font-variant-numeric: tabular-nums } small { opacity: .7 }
.badge { border-radius: 1rem; padding: .1rem .65rem; font-size: .85rem; font-weight: 600; color: #fff }
.up { background: #15763c } .down { background: #b3261e } .unknown { background: #5f6368 }
`;
