/** Users of a dashboard, each with a session and a TLS session; prints what each of them sees, a line each. */
import { Agent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { Browser } from './browser.ts';
import { useConsole } from './console-user.ts';
import type { ClientEvent, ClientTask } from './event.ts';

const POLL_MS = 50;
/** How long a poll may take: less than the shortest gap that matters, more than a busy host takes. */
const POLL_PATIENCE_MS = 500;
const FRESH = { count: 10, everyMs: 500, patienceMs: 2_000 } as const;
const KEPT = { count: 5, everyMs: 200, patienceMs: 2_000 } as const;
const CONSOLES = 5;

const task = JSON.parse(process.argv[2]!) as ClientTask;

function tell(event: ClientEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function look(kind: ClientEvent['kind'], user: number, browser: Browser, ms: number) {
  const at = Date.now();
  const seen = await browser.look(ms);
  tell({ kind, user, at, ms: Date.now() - at, ...seen });
  if (seen.outcome === 'loggedOut') await browser.login().catch(() => {});
}

async function use(
  kind: 'fresh' | 'kept',
  { count, everyMs, patienceMs }: typeof FRESH | typeof KEPT,
): Promise<void> {
  const browsers = Array.from({ length: count }, () => {
    const agent = kind === 'kept' ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
    return new Browser(task, agent);
  });
  for (const browser of browsers) await browser.login();
  for (const [user, browser] of browsers.entries()) {
    void (async () => {
      // Not all of them at once.
      await delay((everyMs * user) / count);
      for (;;) {
        await look(kind, user, browser, patienceMs);
        await delay(everyMs);
      }
    })();
  }
}

const poller = new Browser(task);
await poller.login();
await use('fresh', FRESH);
await use('kept', KEPT);
setInterval(() => void look('poll', 0, poller, POLL_PATIENCE_MS), POLL_MS);
for (let user = 0; user < CONSOLES; user++) {
  void useConsole(task, (at, ms, outcome) => tell({ kind: 'console', user, at, ms, outcome }));
}
