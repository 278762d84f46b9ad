import { hostAndPort } from '../config-values.ts';
import { type Html, html } from '../html.ts';
import type { DecisionView, GatewayState, PeerView } from './state.ts';
import { badge, duration, idOf, table } from './status-parts.ts';

/** A gateway that misses five heartbeats of a second is taken for gone; two late ones are news. */
const LATE_MS = 2_500;

/** The gateways of the cluster, and what has been decided for all of them. */
export function gatewaySection({ shared, services }: GatewayState): Html {
  if (!shared) return html``;
  const own = services.reduce((sum, { tunnels }) => sum + tunnels, 0);
  const { name, peers, decisions } = shared;
  return html`<section id="gateways" aria-labelledby="gateways:title">
<div class="title"><h2 id="gateways:title">Gateways</h2>${badge('calm', String(peers.length + 1))}</div>
<div class="box">${table({
    caption: 'Gateways of the cluster',
    columns: [
      { label: 'Gateway' },
      { label: 'Last heard of' },
      { label: 'Sees up' },
      { label: 'Websockets', numeric: true },
    ],
    rows: [
      {
        id: idOf('gateway', name),
        cells: [
          html`<span class="name">${name}</span>`,
          badge('good', 'this one'),
          seen(services),
          String(own),
        ],
      },
      ...peers.map((peer) => ({
        id: idOf('gateway', peer.name),
        cells: peerCells(peer),
      })),
    ],
  })}</div>
${decisions.length > 0 && html`<h3>Decided by operators</h3><ul class="decisions">${decisions.map(decision)}</ul>`}
</section>`;
}

function peerCells({ name, ageMs, services }: PeerView): [Html, Html, string, string] {
  const tunnels = services
    .flatMap(({ backends }) => backends)
    .reduce((sum, backend) => sum + backend.tunnels, 0);
  const tone = ageMs > LATE_MS ? 'warn' : 'good';
  const heard = html`${badge(tone, tone === 'good' ? 'alive' : 'late')} <small>${(ageMs / 1_000).toFixed(1)} s ago</small>`;
  return [html`<span class="name">${name}</span>`, heard, seen(services), String(tunnels)];
}

interface Seen {
  readonly name: string;
  readonly backends: readonly { readonly health: string }[];
}

/** What a gateway's own checks see. */
function seen(services: readonly Seen[]): string {
  const told = services.map(({ name, backends }) => {
    const up = backends.filter(({ health }) => health === 'up').length;
    return `${name} ${up} of ${backends.length}`;
  });
  return told.join(', ');
}

function decision({ subject, state, weight, scope, by }: DecisionView): Html {
  const where = scope === 'cluster' ? `on all gateways, decided on ${by}` : 'on this gateway alone';
  return html`<li>${subject}: ${state}${weight !== null && `, weight ${weight}`} <small>${where}</small></li>`;
}

/** This gateway: what it is, where it listens, and its processes. */
export function processSection({ gateway, workers, uptimeSeconds }: GatewayState): Html {
  return html`<section id="processes" aria-labelledby="processes:title">
<div class="title"><h2 id="processes:title">This gateway</h2></div>
<dl class="facts">
${gateway && html`<div><dt>Version</dt><dd>${gateway.version}</dd></div><div><dt>Process</dt><dd>${gateway.pid}</dd></div>`}
<div><dt>Up for</dt><dd>${duration(uptimeSeconds * 1_000)}</dd></div>
${gateway?.listeners.map(
  ({ name, address, port, waiting }) =>
    html`<div><dt>${name}</dt><dd>${hostAndPort({ host: address, port })}${waiting && html` ${badge('warn', 'waits for its address')}`}</dd></div>`,
)}
</dl>
${workers.length > 0 && html`<div class="box">${workerTable(workers)}</div>`}
</section>`;
}

const LOOK = { serving: 'good', draining: 'calm', starting: 'calm', waiting: 'bad' } as const;

function workerTable(workers: GatewayState['workers']): Html {
  return table({
    caption: 'Processes of this gateway',
    columns: [
      { label: 'Process' },
      { label: 'State' },
      { label: 'Age', numeric: true },
      { label: 'Clients', numeric: true },
      { label: 'Websockets', numeric: true },
      { label: 'Died before', numeric: true },
    ],
    rows: workers.map(({ kind, slot, pid, state, ageSeconds, connections, tunnels, restarts }) => {
      const isCache = kind === 'cache';
      const name = isCache ? 'session cache' : `worker ${slot + 1}`;
      return {
        id: idOf('process', kind, String(slot), String(pid)),
        cells: [
          html`<span class="name">${name}</span> <small>${pid === 0 ? '' : pid}</small>`,
          badge(LOOK[state], state),
          duration(ageSeconds * 1_000),
          isCache ? '–' : String(connections),
          isCache ? '–' : String(tunnels),
          String(restarts),
        ],
      };
    }),
  });
}
