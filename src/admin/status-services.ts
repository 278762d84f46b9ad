import { type Html, type HtmlValue, html } from '../html.ts';
import type { BackendState, ServiceState } from './state.ts';
import { badge, duration, figure, idOf, plural, since, table } from './status-parts.ts';

const COLUMNS = [
  { label: 'Backend' },
  { label: 'State' },
  { label: 'Last check' },
  { label: 'Weight', numeric: true },
  { label: 'Requests now', numeric: true },
  { label: 'Websockets', numeric: true },
  { label: 'Served', numeric: true },
  { label: 'Failed', numeric: true },
  { label: 'Change' },
] as const;

/** What can be wanted of a backend, as buttons name it. */
const ACTIONS = [
  ['ready', 'Ready'],
  ['drain', 'Drain'],
  ['maint', 'Maintenance'],
] as const;

/** One service: what it does, its plots and its backends. */
export function serviceSection(service: ServiceState, now: number): Html {
  const { name, queued, tunnels, backends } = service;
  const usable = backends.filter((backend) => backend.usable && backend.health === 'up').length;
  const tone = usable === backends.length ? 'good' : usable > 0 ? 'warn' : 'bad';
  const id = idOf('service', name);
  return html`<section id="${id}" aria-labelledby="${id}:title">
<div class="title"><h2 id="${id}:title">${name}</h2>${badge(tone, `${usable} of ${backends.length} usable`)}
<p>${plural(queued, 'request waits', 'requests wait')} for a backend, ${plural(tunnels, 'console', 'consoles')} open</p></div>
${plots(service)}
<div class="box">${table({
    caption: `Backends of ${name}`,
    columns: COLUMNS,
    rows: backends.map((backend) => ({
      id: idOf('backend', name, backend.name),
      cells: [nameOf(backend), ...cells(name, backend, now)],
    })),
  })}</div>
</section>`;
}

function plots({ name, traffic }: ServiceState): Html {
  const value = (of: number | null | undefined, unit: string) =>
    of === null || of === undefined ? '–' : `${figure(of)} ${unit}`;
  const plot = (series: string, label: string, figures: HtmlValue) => {
    const id = idOf('plot', name, series);
    return html`<figure><figcaption><span>${label}</span> <b>${figures}</b></figcaption>
<div class="plot" id="${id}" data-service="${name}" data-series="${series}" role="img" aria-label="${label} of ${name} over the last 15 minutes"></div></figure>`;
  };
  return html`<div class="plots">
${plot('requests', 'Requests', value(traffic?.requests, '/s'))}
${plot('latency', 'Latency', html`<span class="p50">median ${value(traffic?.p50, 'ms')}</span> <span class="p95">95 % ${value(traffic?.p95, 'ms')}</span>`)}
${plot('errors', 'Errors', value(traffic?.errors, '/s'))}
</div>`;
}

function nameOf({ name, url, backup }: BackendState): Html {
  return html`<span class="name">${name}</span>${backup && html` ${badge('calm', 'backup')}`}
<small>${url}</small>`;
}

function cells(service: string, backend: BackendState, now: number): HtmlValue[] {
  const { weight, maxconn, active, tunnels, elsewhere, claimed, failed, failedInARow } = backend;
  const limit = maxconn > 0 && html` <small>of ${maxconn}</small>`;
  return [
    stateOf(backend, now),
    checkOf(backend, now),
    html`${figure(weight)}`,
    html`${active - tunnels}${limit}`,
    html`${tunnels}${elsewhere > 0 && html` <small>+ ${elsewhere} elsewhere</small>`}`,
    claimed.toLocaleString('en'),
    html`${failed.toLocaleString('en')}${failedInARow > 0 && html` <small>${failedInARow} in a row</small>`}`,
    actionsOf(service, backend),
  ];
}

function stateOf(backend: BackendState, now: number): Html {
  const { health, healthSince, adminState, ejected, ejectedUntil, ramp, usable } = backend;
  const seen = {
    up: badge('good', 'up'),
    down: badge('bad', 'down'),
    unknown: badge('calm', 'not checked yet'),
  }[health];
  const left = ejectedUntil ? new Date(ejectedUntil).getTime() - now : 0;
  const out = html`${badge('bad', 'ejected')} <small>another ${duration(left)}</small>`;
  const slow = html`${badge('calm', 'slow start')} <meter min="0" max="1" value="${ramp}">${percent(ramp)}</meter> <small>${percent(ramp)}</small>`;
  return html`<span class="states">
<span>${seen} <small>${since(healthSince, now)}</small></span>
${adminState === 'drain' && html`<span>${badge('warn', 'drained')}</span>`}
${adminState === 'maint' && html`<span>${badge('warn', 'maintenance')}</span>`}
${ejected && html`<span>${out}</span>`}
${ramp < 1 && usable && html`<span>${slow}</span>`}
</span>`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function checkOf({ lastCheck }: BackendState, now: number): HtmlValue {
  if (!lastCheck) return 'none yet';
  const { detail, durationMs, at } = lastCheck;
  return html`<span class="detail">${detail}</span> <small>in ${figure(Math.round(durationMs))} ms, ${since(at, now)} ago</small>`;
}

function actionsOf(service: string, { name, adminState, tunnels }: BackendState): Html {
  return html`<span class="actions" role="group" aria-label="What ${name} is to do">${ACTIONS.map(
    ([admin, label]) =>
      html`<button type="button" id="${idOf('do', service, name, admin)}" data-admin="${admin}" data-service="${service}" data-backend="${name}" data-tunnels="${tunnels}" aria-pressed="${String(adminState === admin)}">${label}<span class="hidden"> ${name}</span></button>`,
  )}</span>`;
}
