import { watchActions } from './actions.js';
import { watchGateway } from './live.js';
import { Plots } from './plots.js';

const plots = new Plots();
const button = /** @type {HTMLButtonElement} */ (document.getElementById('theme'));

/** @returns {string} `dark`, `light`, or nothing for what the system has. */
function theme() {
  return document.documentElement.dataset.theme ?? '';
}

function nameTheme() {
  const name = { dark: 'dark', light: 'light' }[theme()] ?? 'as the system';
  button.textContent = `Colours: ${name}`;
}

button.addEventListener('click', () => {
  const next = { '': 'dark', dark: 'light', light: '' }[theme()] ?? '';
  if (next) document.documentElement.dataset.theme = next;
  else delete document.documentElement.dataset.theme;
  try {
    localStorage.setItem('dashgate-theme', next);
  } catch {
    // It holds until the page is left.
  }
  nameTheme();
  plots.recolour();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots.recolour());

nameTheme();
watchActions();
watchGateway(plots);
