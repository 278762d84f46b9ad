import type { TestContext } from 'node:test';
import { type Browser, chromium } from 'playwright-core';

/**
 * Debian's Chromium without a window, closed when the test ends. It fetches nothing on its own
 * account.
 */
export async function openBrowser(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  t.after(() => browser.close());
  return browser;
}
