import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { startBackend } from '../support/backend.ts';
import { openBrowser } from '../support/browser.ts';
import { fetchTls, startTestGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend } from '../support/websocket.ts';

const PASSWORD = 'correct horse battery';

/** What the page had to complain about, and whom it asked besides the gateway. */
function watch(page: Page, origin: string): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) complaints.push(`asked ${request.url()}`);
  });
  return complaints;
}

test('the status page drains backends, ends consoles and lives, on a desk and on a phone', async (t) => {
  const backends = [await startBackend(t), await startBackend(t)];
  const consoles = await Promise.all([
    startWebSocketBackend(t, 'one'),
    startWebSocketBackend(t, 'two'),
  ]);
  const settings = {
    PORTAL_BACKENDS: backends.map(({ url }, i) => `${url} name=dash-${i + 1}`).join(','),
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: consoles.map(({ url }, i) => `${url} name=vnc-${i + 1}`).join(','),
    CONSOLE_HEALTH_CHECK: 'tcp',
    DRAIN_TIMEOUT: '1s',
    ADMIN_PASSWORD: PASSWORD,
  };
  const gateway = await startTestGateway(t, settings);
  const { portal, console, admin } = gateway.addresses;
  const origin = `http://127.0.0.1:${admin!.port}`;
  const open = async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${console!.port}/`, {
      rejectUnauthorized: false,
    });
    t.after(() => socket.terminate());
    const closed = once(socket, 'close');
    await once(socket, 'message');
    return { closed };
  };
  const [first, second] = [await open(), await open()];

  const browser = await openBrowser(t);
  const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
  const complaints = watch(page, origin);
  await page.goto(origin);
  await page.getByLabel('Password of the admin pages').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('live', { exact: true }).waitFor();

  // A dashboard by its button, with the keyboard.
  await page.getByRole('button', { name: 'Drain dash-1' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Drain', exact: true }).press('Enter');
  await page.getByText('dash-1 is being drained.').waitFor();
  await page.getByText('drained', { exact: true }).waitFor();
  const before = backends[0]!.requests.length;
  for (let i = 0; i < 6; i++) await fetchTls(portal!.port, '/page');
  assert.equal(backends[0]!.requests.length, before);
  assert.ok(backends[1]!.requests.length >= 6);
  await page.getByText('6', { exact: true }).first().waitFor();

  // The consoles of a noVNC proxy leave it, and the page shows it by itself.
  await page.getByRole('button', { name: 'Drain vnc-1' }).click();
  await dialog.getByRole('button', { name: 'Drain', exact: true }).click();
  const [code] = await first.closed;
  assert.equal(code, 1001);
  const rows = page.locator('#consoles tbody tr');
  await until('one console is left', async () => (await rows.count()) === 1);

  // The other one is ended by hand.
  await rows.getByRole('button').click();
  await dialog.getByRole('button', { name: 'End', exact: false }).first().click();
  assert.equal((await second.closed)[0], 1008);
  await until('none is left', async () => (await rows.count()) === 0);

  // No window makes the page wider than itself, or a check a column of letters.
  for (const width of [360, 860, 1100]) {
    await page.setViewportSize({ width, height: 740 });
    const taken = await page.evaluate('document.documentElement.scrollWidth');
    assert.ok(Number(taken) <= width, `the page is ${taken} wide in a window of ${width}`);
    const check = page.locator('td[data-label="Last check"]').first();
    const box = (await check.boundingBox())!;
    assert.ok(box.width >= 180, `a check has ${box.width} in a window of ${width}`);
  }
  assert.deepEqual(complaints, []);
});
