import type { TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { openBrowser } from '../../support/browser.ts';

export interface Browsed {
  readonly page: Page;
  /** What a careful person would have noticed in the developer tools, each as a sentence. */
  readonly complaints: string[];
}

/**
 * Opens a page in Debian's Chromium, which is closed when the test is over. Complaints are mixed
 * content, errors of scripts, and anything asked for outside of `origin`.
 */
export async function openPage(t: TestContext, origin: string): Promise<Browsed> {
  const browser = await openBrowser(t);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);

  const complaints: string[] = [];
  const socketOrigin = origin.replace('https:', 'wss:');
  page.on('pageerror', (error) => complaints.push(`a script failed: ${error.message}`));
  page.on('console', (message) => {
    if (message.text().includes('Mixed Content')) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const url = request.url();
    const inside = url.startsWith(`${origin}/`) || /^(data|blob):/.test(url);
    if (!inside) complaints.push(`${url} was asked for`);
  });
  page.on('requestfailed', (request) => {
    // A page that is left while it still loads gives up on the rest: no failure.
    const reason = request.failure()?.errorText;
    if (reason !== 'net::ERR_ABORTED') complaints.push(`${request.url()} failed: ${reason}`);
  });
  page.on('websocket', (socket) => {
    if (!socket.url().startsWith(`${socketOrigin}/`)) complaints.push(`${socket.url()} was opened`);
  });
  return { page, complaints };
}
