/** @import { Plots } from './plots.js' */

/** How long the gateway may be silent before the page says so, in ms. */
const SILENCE_MS = 6_000;
/** And before it asks anew by itself. */
const RECONNECT_MS = 3_000;

/**
 * Keeps the page as the gateway tells it, and goes on by itself when the gateway is back.
 * @param {Plots} plots
 */
export function watchGateway(plots) {
  const connection = /** @type {HTMLElement} */ (document.getElementById('connection'));
  /** @type {EventSource | undefined} */
  let source;
  /** @type {number | undefined} */
  let silence;
  /** @type {number | undefined} */
  let retry;
  let heard = Date.now();
  let isLost = false;

  /** @param {'live' | 'waiting'} news */
  const show = (news) => {
    if (news === 'live') isLost = false;
    const state = isLost ? 'lost' : news;
    connection.dataset.state = state;
    const at = new Date(heard).toLocaleTimeString();
    connection.textContent =
      { live: 'live', waiting: 'connecting' }[/** @type {string} */ (state)] ??
      `no news since ${at}`;
    const alert = /** @type {HTMLElement} */ (document.getElementById('alert'));
    const told =
      state === 'lost' ? `The gateway does not answer: what is shown is as of ${at}.` : '';
    if (alert.dataset.about !== 'action' && alert.textContent !== told) alert.textContent = told;
  };

  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      isLost = true;
      connect();
    }, SILENCE_MS);
  };

  const connect = () => {
    clearTimeout(retry);
    source?.close();
    source = new EventSource('api/events?view=page');
    source.addEventListener('hello', (event) => {
      const { release, csrf, points } = JSON.parse(event.data);
      // Another release has other files: what is loaded does not fit it.
      if (release !== document.documentElement.dataset.release) location.reload();
      heard = Date.now();
      setToken(csrf);
      plots.begin(points);
    });
    source.addEventListener('page', (event) => {
      const { html, point } = JSON.parse(event.data);
      heard = Date.now();
      listen();
      show('live');
      patch(html);
      plots.add(point);
    });
    source.addEventListener('error', () => {
      // What has ended may be back at once; silence tells whether it is not.
      show('waiting');
      // The browser gives up on an answer that is no stream: one that has been refused, or a login.
      if (source?.readyState !== EventSource.CLOSED) return;
      clearTimeout(retry);
      retry = setTimeout(retryOrLogIn, RECONNECT_MS);
    });
    show('waiting');
    listen();
  };

  const retryOrLogIn = async () => {
    const answer = await fetch('api/state', { redirect: 'manual' }).catch(() => undefined);
    if (answer && [0, 401, 403].includes(answer.status)) location.reload();
    else connect();
  };

  connect();
}

/** @param {string | undefined} csrf */
function setToken(csrf) {
  const meta = document.querySelector('meta[name="csrf-token"]');
  if (meta && csrf !== undefined) meta.setAttribute('content', csrf);
}

/**
 * Changes what has changed and nothing else: what has the focus, is selected or scrolled stays so.
 * @param {string} html
 */
function patch(html) {
  const main = /** @type {HTMLElement} */ (document.getElementById('main'));
  morphdom(main, html, {
    onBeforeElUpdated: (from, to) => {
      // What is drawn there is the plots' own.
      if (from.classList.contains('plot')) return false;
      return !from.isEqualNode(to);
    },
  });
  document.title = document.title.replace(
    /: .*$/,
    main.dataset.ready === 'true' ? ': ready' : ': not ready',
  );
}
