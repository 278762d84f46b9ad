import type { CacheHealth, NodeHealth } from '../cache/cache-health.ts';
import { type Html, type HtmlValue, html } from '../html.ts';
import type { GatewayState, NodeReport } from './state.ts';
import { badge, figure, idOf, since, table } from './status-parts.ts';

const COLUMNS = [
  { label: 'Node' },
  { label: 'State' },
  { label: 'Session cache' },
  { label: 'Items', numeric: true },
  { label: 'Asked', numeric: true },
  { label: 'Failed', numeric: true },
  { label: 'Answers in', numeric: true },
  { label: 'Version' },
] as const;

/** The memcached nodes, and what the session cache has on them. */
export function nodeSection({ memcached, cache, gateway }: GatewayState, now: number): Html {
  const copies = new Map(cache?.nodes.map((health) => [health.node, health]));
  const named = new Set(memcached.map(({ node }) => node));
  // While nodes are exchanged, the cache has some that the configuration no longer names.
  const others = [...copies.values()].filter(({ node }) => !named.has(node)).map(reportOf);
  const nodes = [...memcached, ...others];
  const up = nodes.filter(({ state }) => state === 'up').length;
  const tone = up === nodes.length ? 'good' : up > 0 ? 'warn' : 'bad';
  return html`<section id="memcached" aria-labelledby="memcached:title">
<div class="title"><h2 id="memcached:title">memcached</h2>${badge(tone, `${up} of ${nodes.length} up`)}
<p>${told(cache, gateway?.copies, nodes.length)}</p></div>
${cache && !cache.sure && html`<p class="notice">${badge('bad', 'unsure')} The session cache does not reach a majority of the nodes.</p>`}
${cache?.move && moving(cache.move)}
<div class="box">${table({
    caption: 'memcached nodes',
    columns: COLUMNS,
    rows: nodes.map((report) => ({
      id: idOf('node', report.node),
      cells: [
        html`<span class="name">${report.node}</span>`,
        badge(report.state === 'up' ? 'good' : 'bad', report.state),
        ...cacheCells(copies.get(report.node), now),
        report.detail,
      ],
    })),
  })}</div>
</section>`;
}

function told(cache: CacheHealth | undefined, copies: number | undefined, nodes: number): string {
  if (!cache) return 'the session cache is off, or has not told yet';
  if (copies === undefined) return '';
  return `every session has ${Math.min(copies, nodes)} of ${nodes} nodes as owners`;
}

function moving({ to, leaving }: NonNullable<CacheHealth['move']>): Html {
  const told =
    leaving.length > 0
      ? `The session cache moves to ${to.join(', ')}; leave ${leaving.join(', ')} running until it is done.`
      : `The session cache brings every session to its new place on ${to.join(', ')}; no node is given up.`;
  return html`<p class="notice">${badge('warn', 'moving')} ${told}</p>`;
}

function reportOf({ node, reachable, facts, error }: NodeHealth): NodeReport {
  return {
    node,
    state: reachable ? 'up' : 'down',
    detail: (reachable ? facts?.version : error) ?? '',
  };
}

/** What the session cache believes of a node, has on it, and has asked of it. */
function cacheCells(health: NodeHealth | undefined, now: number): HtmlValue[] {
  if (!health) return ['off', '–', '–', '–', '–'];
  const { operations, failures, latencyMs } = health.counts;
  const answered = operations - failures;
  return [
    copyState(health, now),
    health.facts ? health.facts.items.toLocaleString('en') : '–',
    operations.toLocaleString('en'),
    failures.toLocaleString('en'),
    answered > 0 ? `${figure(latencyMs / answered)} ms` : '–',
  ];
}

function copyState({ state, since: began, reason, refill, facts }: NodeHealth, now: number): Html {
  const tone = ({ full: 'good', behind: 'bad' } as const)[state as string] ?? 'warn';
  const at = html`${badge(tone, state)} <small>${since(began, now)}</small>`;
  if (refill) {
    // How many there are to look at is known of the node that is filled only roughly.
    const most = Math.max(refill.keys, facts?.items ?? 0, 1);
    return html`${at} <progress max="${most}" value="${refill.keys}">${refill.keys}</progress> <small>${refill.keys.toLocaleString('en')} keys looked at, ${refill.copied.toLocaleString('en')} copied, ${refill.removed.toLocaleString('en')} removed</small>`;
  }
  return html`${at}${state !== 'full' && reason && html` <small>${reason}</small>`}`;
}
