import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { startConsole } from '../support/rfb-viewer.ts';

const DEADLINE_MS = 15_000;

/** Opens the console page in a new tab; `complaints` collects what the browser reports as errors. */
async function openPage(t: Parameters<typeof openBrowser>[0], url: string) {
  const browser = await openBrowser(t);
  const page = await browser.newPage({ viewport: { width: 900, height: 640 } });
  page.setDefaultTimeout(DEADLINE_MS);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** A number that depends on every pixel of a part of noVNC's canvas. */
function fingerprint(page: Page, area: readonly [number, number, number, number]): Promise<number> {
  return page.evaluate(
    `(() => {
      const canvas = document.querySelector('#screen canvas');
      const { data } = canvas.getContext('2d').getImageData(${area.join()});
      return data.reduce((sum, byte, i) => (sum * 31 + byte * (1 + (i % 7))) >>> 0, 7);
    })()`,
  );
}

/** Waits until that part of the canvas is no longer what it was. */
async function changed(
  page: Page,
  area: readonly [number, number, number, number],
  before: number,
): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while ((await fingerprint(page, area)) === before) {
    assert.ok(Date.now() < deadline, `nothing moved in ${area} within ${DEADLINE_MS} ms`);
    await page.waitForTimeout(50);
  }
}

const WHOLE = [0, 0, 640, 400] as const;
const TYPED = [130, 360, 510, 30] as const;

test('noVNC in a real browser connects, shows a moving picture and echoes keys', async (t) => {
  const running = await startConsole(t);
  const { page, complaints } = await openPage(
    t,
    `http://127.0.0.1:${running.port}/vnc_lite.html?path=%3Ftoken%3Dtok-1&title=web-1&scale=true`,
  );
  await page.locator('#status[data-state=connected]').waitFor();
  assert.equal(
    await page.locator('#status').textContent(),
    'Connected to Dashgate console console-1',
  );
  assert.equal(await page.title(), 'web-1');
  assert.equal(running.connections(), 1);

  await changed(page, WHOLE, await fingerprint(page, WHOLE));
  const notTyped = await fingerprint(page, TYPED);
  await changed(page, WHOLE, await fingerprint(page, WHOLE));
  assert.equal(await fingerprint(page, TYPED), notTyped, 'the echo stands still until a key comes');
  await page.keyboard.type('Hello');
  await changed(page, TYPED, notTyped);
  assert.deepEqual(complaints, []);

  running.close();
  await page.locator('#status[data-state=disconnected]').waitFor();
  assert.ok(await page.locator('#reconnect').isVisible());
});

test('noVNC says so when a console is refused, and connects again on a click', async (t) => {
  let good = false;
  const running = await startConsole(t, { checkToken: () => good });
  const { page } = await openPage(
    t,
    `http://127.0.0.1:${running.port}/vnc_lite.html?path=%3Ftoken%3Dtok-1`,
  );
  await page.locator('#status[data-state=disconnected]').waitFor();
  good = true;
  await page.locator('#reconnect').click();
  await page.locator('#status[data-state=connected]').waitFor();
  assert.equal(running.connections(), 1);
});
