import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { startBackend } from '../support/backend.ts';
import { openBrowser } from '../support/browser.ts';
import { freePorts } from '../support/free-port.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { cell, isLive, nextUpdate, openStatus } from '../support/status-browser.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

/** A gateway with two workers before a dashboard and a console; its page is at `url`. */
async function stageOf(t: TestContext) {
  const [admin] = await freePorts(1);
  const [dashboard, novnc] = await Promise.all([
    startBackend(t),
    startWebSocketBackend(t, 'novnc-1'),
  ]);
  const settings = {
    ADMIN_LISTEN: `127.0.0.1:${admin}`,
    PORTAL_BACKENDS: `${dashboard.url} name=dash-1`,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: `${novnc.url} name=novnc-1`,
  };
  const start = () => startGatewayProcess(t, settings);
  return { url: `http://127.0.0.1:${admin}/`, gateway: await start(), start };
}

/** Presses the drain button by the keyboard, and confirms, or not. */
async function drain(page: Page, key: 'Enter' | 'Escape'): Promise<void> {
  await page.getByRole('button', { name: 'Drain dash-1', exact: true }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  if (key === 'Enter') await dialog.locator('[value=confirm]').press('Enter');
  else await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await focused(page), 'Drain dash-1', 'the button has the focus again');
}

function focused(page: Page): Promise<unknown> {
  return page.evaluate('document.activeElement.textContent');
}

test('the page lives, keeps the focus and the colours, and can be read without scripts', async (t) => {
  const { gateway, url } = await stageOf(t);
  const browser = await openBrowser(t);
  const { page, complaints, origins } = await openStatus(t, browser, url);
  for (const name of ['dash-1', 'novnc-1']) assert.match(await cell(page, name, 'State'), /^up/);
  assert.equal(await page.locator('.plot canvas').count(), 6);
  await page.getByText('None on this gateway.').waitFor();

  await page.getByRole('button', { name: 'Drain dash-1', exact: true }).focus();
  await openWebSocket(t, gateway.port('console'));
  await page.locator('#consoles button').first().waitFor();
  assert.equal(await cell(page, 'novnc-1', 'Websockets'), '1');
  await nextUpdate(page);
  assert.equal(await focused(page), 'Drain dash-1');

  await page.getByRole('button', { name: /^Colours/ }).click();
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  await page.reload();
  await isLive(page);
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  assert.deepEqual([...origins], [new URL(url).origin]);
  assert.deepEqual(complaints, []);

  for (const width of [360, 800]) {
    await page.setViewportSize({ width, height: 740 });
    await nextUpdate(page);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
  }
  const plain = await openStatus(t, browser, url, { javaScriptEnabled: false });
  assert.match(await cell(plain.page, 'dash-1', 'State'), /^up/);
  assert.equal(await plain.page.locator('button:visible').count(), 0, 'none that do nothing');
});

test('the page comes back with a gateway that is started anew, and its buttons work', async (t) => {
  const { gateway, url, start } = await stageOf(t);
  const { page } = await openStatus(t, await openBrowser(t), url);
  await drain(page, 'Escape');
  gateway.command.child.kill('SIGTERM');
  await gateway.command.exit;
  const alert = page.getByRole('alert').filter({ hasText: 'does not answer' });
  await alert.waitFor();
  await start();
  await isLive(page);
  await alert.waitFor({ state: 'detached' });
  assert.doesNotMatch(await cell(page, 'dash-1', 'State'), /drained/, 'it was not confirmed');
  await drain(page, 'Enter');
  await until('it is drained', async () => /drained/.test(await cell(page, 'dash-1', 'State')));
});
