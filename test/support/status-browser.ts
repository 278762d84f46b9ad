import type { TestContext } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { until } from './until.ts';

/** A status page in a browser, and what the browser did for it. */
export interface StatusBrowser {
  readonly page: Page;
  /** What scripts and the browser complained of. */
  readonly complaints: string[];
  /** Where the page's requests went: each origin once. */
  readonly origins: Set<string>;
}

/** Opens the status page of a gateway, and waits until it lives. */
export async function openStatus(
  t: TestContext,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<StatusBrowser> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await isLive(page);
  return { page, complaints, origins };
}

/** Resolves when the page is told by the gateway. */
export async function isLive(page: Page): Promise<void> {
  await page.locator('#connection[data-state=live]').waitFor();
}

/** Resolves when it has been told anew: what is shown is newer than the call. */
export async function nextUpdate(page: Page): Promise<void> {
  const uptime = () => page.locator('#processes .facts').textContent();
  const before = await uptime();
  await until('the page is told anew', async () => (await uptime()) !== before);
}

/** The text of a cell of a backend's row. */
export async function cell(page: Page, backend: string, label: string): Promise<string> {
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: backend }) });
  const text = await row.locator(`td[data-label="${label}"]`).first().textContent();
  return (text ?? '').replace(/\s+/g, ' ').trim();
}
