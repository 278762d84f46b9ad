import { type Html, html } from '../html.ts';
import type { OpenTunnel } from './state.ts';
import { badge, bytes, idOf, since, table } from './status-parts.ts';

/** More rows than that nobody reads, and each costs every second. */
const MOST = 100;

/** The newest of the open consoles, and how many there are. */
export function consoleSection(tunnels: readonly OpenTunnel[], open: number, now: number): Html {
  const shown = [...tunnels].sort((one, other) => other.since - one.since).slice(0, MOST);
  const count = Math.max(open, tunnels.length).toLocaleString('en');
  return html`<section id="consoles" aria-labelledby="consoles:title">
<div class="title"><h2 id="consoles:title">Open consoles</h2>${badge('calm', count)}
${shown.length === MOST && open > MOST && html`<p>the newest ${MOST} are shown; <a href="api/tunnels">all of them as JSON</a></p>`}</div>
${shown.length === 0 ? html`<p class="none">None on this gateway.</p>` : html`<div class="box">${tableOf(shown, now)}</div>`}
</section>`;
}

function tableOf(tunnels: readonly OpenTunnel[], now: number): Html {
  return table({
    caption: 'Open consoles of this gateway',
    columns: [
      { label: 'Client' },
      { label: 'Backend' },
      { label: 'Open for', numeric: true },
      { label: 'From the client', numeric: true },
      { label: 'From the backend', numeric: true },
      { label: 'Change' },
    ],
    rows: tunnels.map(({ id, service, backend, client, since: began, received, sent }) => ({
      id: idOf('tunnel', id),
      cells: [
        html`<span class="name">${client}</span>`,
        html`${backend} <small>${service}</small>`,
        since(began, now),
        bytes(received),
        bytes(sent),
        html`<span class="actions"><button type="button" id="${idOf('end', id)}" data-tunnel="${id}" data-client="${client}" data-backend="${backend}">End<span class="hidden"> the console of ${client}</span></button></span>`,
      ],
    })),
  });
}
