/** @typedef {{ title: string, text: string, confirm: string, scoped: boolean, method: string, path: string, body?: object, done: string }} Change */

/** Has the buttons do what they say, once that is confirmed. */
export function watchActions() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('confirm'));
  document.addEventListener('click', async ({ target }) => {
    const button = target instanceof Element ? target.closest('button') : null;
    const change = button && changeOf(button.dataset);
    if (!button || !change || dialog.open) return;
    const scope = await confirmed(dialog, change);
    // The row may be another element by now, or gone.
    (document.getElementById(button.id) ?? document.getElementById('main'))?.focus();
    if (scope) await carryOut(change, scope);
  });
}

/**
 * What a button stands for.
 * @param {DOMStringMap} data
 * @returns {Change | undefined}
 */
function changeOf({ admin, service, backend, tunnels, tunnel, client }) {
  if (tunnel !== undefined) {
    return {
      title: `End the console of ${client}?`,
      text: `Its browser is told that it ends. It is connected to ${backend}.`,
      confirm: 'End the console',
      scoped: false,
      method: 'DELETE',
      path: `api/tunnels/${encodeURIComponent(tunnel)}`,
      done: `The console of ${client} ends.`,
    };
  }
  if (admin === undefined || service === undefined || backend === undefined) return undefined;
  const open = tunnels === '1' ? 'the console that is' : `the ${tunnels} consoles that are`;
  const some = tunnels !== '0';
  const words = {
    ready: {
      title: `Take ${backend} into service?`,
      text: 'It gets new requests and consoles again, as far as its health checks are good.',
      confirm: 'Take into service',
      done: `${backend} is ready.`,
    },
    drain: {
      title: `Drain ${backend}?`,
      text: `It gets no new requests and no new consoles.${some ? ` On this gateway, ${open} open there may go on${drainTime()}.` : ''}`,
      confirm: 'Drain',
      done: `${backend} is being drained.`,
    },
    maint: {
      title: `Take ${backend} into maintenance?`,
      text: `It gets nothing new, ${some ? `and ${open} open there on this gateway end at once` : 'and consoles that are open there end at once'}.`,
      confirm: 'Take into maintenance',
      done: `${backend} is in maintenance.`,
    },
  }[admin];
  if (!words) return undefined;
  const path = `api/services/${encodeURIComponent(service)}/backends/${encodeURIComponent(backend)}`;
  return { ...words, scoped: true, method: 'POST', path, body: { admin } };
}

function drainTime() {
  const ms = Number(document.getElementById('main')?.dataset.drain);
  return ms > 0
    ? ` for up to ${ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1000)} s`}`
    : '';
}

/**
 * Asks; resolves with the scope that was chosen, or with nothing.
 * @param {HTMLDialogElement} dialog
 * @param {Change} change
 * @returns {Promise<string | undefined>}
 */
function confirmed(dialog, { title, text, confirm, scoped }) {
  /** @param {string} selector */
  const part = (selector) => /** @type {HTMLElement} */ (dialog.querySelector(selector));
  part('h2').textContent = title;
  part('p').textContent = text;
  part('[value=confirm]').textContent = confirm;
  part('fieldset').hidden = !scoped;
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector('form'));
  form.reset();
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => {
        const scope = String(new FormData(form).get('scope'));
        resolve(dialog.returnValue === 'confirm' ? scope : undefined);
      },
      { once: true },
    );
  });
}

/**
 * @param {Change} change
 * @param {string} scope
 */
async function carryOut({ method, path, body, done }, scope) {
  const send = () =>
    fetch(path, {
      method,
      headers: { 'content-type': 'application/json', 'x-csrf-token': token() },
      ...(body ? { body: JSON.stringify({ ...body, scope }) } : {}),
    });
  try {
    let answer = await send();
    // The gateway was started anew, and has another token.
    if (answer.status === 403 && (await renewToken())) answer = await send();
    if (answer.ok) tell('notice', done);
    else tell('alert', await refusal(answer));
  } catch {
    tell('alert', 'Nothing has changed: the gateway does not answer.');
  }
}

/** @param {Response} answer */
async function refusal(answer) {
  const { error, remedy } = await answer.json().catch(() => ({}));
  const why = error ?? `it answered ${answer.status}`;
  return `The gateway refused: ${why}${remedy ? `; ${remedy}` : ''}.`;
}

function tokenHolder() {
  return document.querySelector('meta[name="csrf-token"]');
}

function token() {
  return tokenHolder()?.getAttribute('content') ?? '';
}

async function renewToken() {
  const answer = await fetch('api/csrf').catch(() => undefined);
  const { token: renewed } = answer?.ok ? await answer.json() : { token: undefined };
  if (typeof renewed !== 'string' || renewed === token()) return false;
  tokenHolder()?.setAttribute('content', renewed);
  return true;
}

/**
 * @param {'notice' | 'alert'} where
 * @param {string} text
 */
function tell(where, text) {
  for (const id of /** @type {const} */ (['notice', 'alert'])) {
    const place = /** @type {HTMLElement} */ (document.getElementById(id));
    place.textContent = id === where ? text : '';
    if (id === where) place.dataset.about = 'action';
    else delete place.dataset.about;
  }
  const place = /** @type {HTMLElement} */ (document.getElementById(where));
  setTimeout(() => {
    if (place.textContent !== text) return;
    place.textContent = '';
    delete place.dataset.about;
  }, 10_000);
}
