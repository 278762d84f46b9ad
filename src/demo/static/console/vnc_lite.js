// A small viewer page around noVNC, with the query parameters of noVNC's own vnc_lite.html:
// host, port, path (of the websocket; it may carry `?token=…`), password, view_only, scale, title.
import RFB from './core/rfb.js';

const query = new URLSearchParams(location.search);
const statusLine = document.getElementById('status');
const ctrlAltDel = document.getElementById('ctrl-alt-del');
const reconnect = document.getElementById('reconnect');

let rfb;
let desktopName = '';

function showState(state, text) {
  statusLine.dataset.state = state;
  statusLine.textContent = text;
  ctrlAltDel.disabled = state !== 'connected';
  reconnect.hidden = state !== 'disconnected';
}

function websocketUrl() {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const host = query.get('host') || location.hostname;
  const port = query.get('port') || location.port;
  const path = query.get('path') ?? 'websockify';
  return `${scheme}://${host}${port ? `:${port}` : ''}/${path.replace(/^\//, '')}`;
}

function isSet(name) {
  return ['true', '1', 'yes', 'on'].includes(query.get(name)?.toLowerCase() ?? '');
}

function connect() {
  showState('connecting', 'Connecting');
  const password = query.get('password') ?? undefined;
  rfb = new RFB(document.getElementById('screen'), websocketUrl(), { credentials: { password } });
  rfb.background = '#0a0f16';
  rfb.viewOnly = isSet('view_only');
  rfb.scaleViewport = isSet('scale');
  rfb.addEventListener('desktopname', (event) => {
    desktopName = event.detail.name;
  });
  rfb.addEventListener('connect', () => {
    showState('connected', `Connected to ${desktopName}`);
    rfb.focus();
  });
  rfb.addEventListener('disconnect', (event) => {
    const text = event.detail.clean ? 'Disconnected' : 'The connection was closed unexpectedly';
    showState('disconnected', text);
  });
}

ctrlAltDel.addEventListener('click', () => rfb.sendCtrlAltDel());
reconnect.addEventListener('click', connect);
document.title = query.get('title') || 'Console';
connect();
