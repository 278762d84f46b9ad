import { type Html, html } from '../html.ts';
import { STYLES } from './page-assets.ts';
import type { GatewayState, OpenTunnel } from './state.ts';
import { consoleSection } from './status-consoles.ts';
import { gatewaySection, processSection } from './status-gateways.ts';
import { nodeSection } from './status-nodes.ts';
import { badge, idOf } from './status-parts.ts';
import { serviceSection } from './status-services.ts';

/** What the page shows. */
export interface StatusView {
  readonly state: GatewayState;
  readonly tunnels: readonly OpenTunnel[];
  /** In ms of unix time; now unless given. */
  readonly now?: number;
}

export interface StatusDocument extends StatusView {
  /** What a request that changes something has to bring; undefined: nothing can be changed. */
  readonly csrf: string | undefined;
  /** Which files the page consists of. */
  readonly release: string;
  /** Whoever looks at it has logged in, and can log out. */
  readonly loggedIn?: boolean;
}

/**
 * The status page as a whole. Without scripts it is loaded anew every five seconds; with them, what
 * {@link statusMain} makes is put into it as it comes.
 */
export function statusPage(document: StatusDocument): string {
  const { state, csrf, release, loggedIn = false } = document;
  const name = state.gateway?.name;
  return html`<!doctype html>
<html lang="en" data-release="${release}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${csrf !== undefined && html`<meta name="csrf-token" content="${csrf}">`}
<title>Dashgate${name && ` ${name}`}: ${state.ready ? 'ready' : 'not ready'}</title>
<noscript><meta http-equiv="refresh" content="5"></noscript>
<link rel="icon" href="page/icon.svg">
<link rel="stylesheet" href="page/uplot.css">
${STYLES.map(
  (name) => html`<link rel="stylesheet" href="page/${name}">
`,
)}<script src="page/theme.js"></script>
<script src="page/uplot.js" defer></script>
<script src="page/morphdom.js" defer></script>
<script src="page/status.js" type="module"></script>
</head>
<body>
<a class="skip" href="#main">To the services</a>
<header>
<h1><img src="page/icon.svg" alt="" width="28" height="28">Dashgate</h1>
${name && html`<p class="gateway">${name}</p>`}
<p id="connection" class="scripted" aria-hidden="true" data-state="waiting"></p>
<button type="button" id="theme" class="scripted">Colours: as the system</button>
${loggedIn && html`<form method="post" action="logout"><input type="hidden" name="csrf" value="${csrf}"><button>Log out</button></form>`}
</header>
<p id="notice" role="status"></p>
<p id="alert" role="alert"></p>
${statusMain(document)}
<dialog id="confirm" aria-labelledby="confirm:title">
<form method="dialog">
<h2 id="confirm:title"></h2>
<p id="confirm:text"></p>
<fieldset id="confirm:scope"><legend>Where</legend>
<label><input type="radio" name="scope" value="all" checked> on all gateways</label>
<label><input type="radio" name="scope" value="gateway"> on this gateway alone</label>
</fieldset>
<div class="choice"><button value="cancel" autofocus>Cancel</button><button value="confirm" class="main"></button></div>
</form>
</dialog>
</body>
</html>
`.text;
}

/** What of the page changes: made anew for each look at the gateway. */
export function statusMain({ state, tunnels, now = Date.now() }: StatusView): Html {
  return html`<main id="main" tabindex="-1" data-ready="${String(state.ready)}" data-drain="${state.gateway?.drainMs ?? ''}">
<div class="summary">${badge(state.ready ? 'good' : 'bad', state.ready ? 'ready' : 'not ready')} <p id="summary" role="status">${summary(state)}</p>
<nav aria-label="Sections">${sections(state)}</nav></div>
${state.services.map((service) => serviceSection(service, now))}
${consoleSection(tunnels, sumOfTunnels(state), now)}
${nodeSection(state, now)}
${gatewaySection(state)}
${processSection(state)}
</main>`;
}

function sections({ services, shared }: GatewayState): Html[] {
  const others = ['consoles', 'memcached', ...(shared ? ['gateways'] : [])];
  return [
    ...services.map(({ name }) => [idOf('service', name), name]),
    ...others.map((name) => [name, name]),
    ['processes', 'this gateway'],
  ].map(([id, name]) => html`<a href="#${id}">${name}</a>`);
}

/** What is read out when it changes; so nothing in it changes but when something has happened. */
function summary({ services, memcached }: GatewayState): string {
  const told = services.map(({ name, backends }) => {
    const usable = backends.filter((backend) => backend.usable && backend.health === 'up').length;
    return `${name}: ${usable} of ${backends.length} backends usable`;
  });
  const up = memcached.filter(({ state }) => state === 'up').length;
  return [...told, `memcached: ${up} of ${memcached.length} nodes up`].join('; ');
}

function sumOfTunnels({ services }: GatewayState): number {
  return services.reduce((sum, { tunnels }) => sum + tunnels, 0);
}
