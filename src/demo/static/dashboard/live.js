// Asks once a second who serves this session now. The page works without it.
const INTERVAL_MS = 1000;
const TIMEOUT_MS = 5000;
const MAX_SHOWN = 40;

const panel = document.getElementById('live');
const strip = panel.querySelector('.strip');
const button = panel.querySelector('button');
let timer;

function accent(name) {
  return `accent-${[...name].reduce((sum, character) => sum + character.codePointAt(0), 0) % 6}`;
}

function show(label, className) {
  const item = document.createElement('li');
  item.className = `badge ${className}`;
  item.textContent = label;
  strip.prepend(item);
  while (strip.children.length > MAX_SHOWN) strip.lastElementChild.remove();
}

async function ask() {
  try {
    const response = await fetch(panel.dataset.url, {
      headers: { 'X-Requested-With': 'XMLHttpRequest' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 401) {
      location.assign(response.headers.get('X-Horizon-Location') ?? location.href);
      return;
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { servedBy } = await response.json();
    show(servedBy, accent(servedBy));
  } catch (error) {
    show(error.name === 'TimeoutError' ? 'no answer' : error.message, 'failed');
  }
  if (timer !== undefined) timer = setTimeout(ask, INTERVAL_MS);
}

button.addEventListener('click', () => {
  if (timer === undefined) {
    timer = setTimeout(ask, 0);
    strip.hidden = false;
    button.textContent = 'Stop';
  } else {
    clearTimeout(timer);
    timer = undefined;
    button.textContent = 'Start';
  }
});
button.hidden = false;
