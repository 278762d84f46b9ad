import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { Frame, Page } from 'playwright-core';
import { createMockDashboard } from '../../src/demo/mock-dashboard.ts';
import { Cluster } from '../../src/memcached/cluster.ts';
import { djangoSession } from '../../src/session/middleware.ts';
import {
  type ConsoleServer,
  SCREEN,
  startConsoles,
  startTerminal,
  TOKEN,
} from '../horizon/lab/consoles.ts';
import { type Gateway, startGateway } from '../horizon/lab/gateway.ts';
import { startMemcached } from '../horizon/lab/memcached.ts';
import { Programs } from '../horizon/lab/program.ts';
import { openBrowser } from '../support/browser.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const DEADLINE_MS = 20_000;
/** How soon a console has to be drawn again after its noVNC proxy died. */
const BACK_WITHIN_MS = 5_000;
/** As deployers set it up who want consoles to come back by themselves. */
const PAGE = 'vnc.html?autoconnect=true&reconnect=true&reconnect_delay=200&resize=off';

/** What noVNC has drawn, as a number that depends on every pixel; 0 before there is anything. */
const FINGERPRINT = `(() => {
  const canvas = document.querySelector('#noVNC_container canvas');
  if (!canvas || canvas.width !== ${SCREEN.width} || canvas.height !== ${SCREEN.height}) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, byte, i) => (sum * 31 + byte * (1 + (i % 7))) >>> 0, 7);
})()`;

/** Keeps how each websocket of the page was closed. */
const WATCH = `(() => {
  window.closes = [];
  window.WebSocket = new Proxy(WebSocket, {
    construct(target, given) {
      const socket = new target(...given);
      socket.addEventListener('close', ({ code, wasClean }) => closes.push({ code, wasClean }));
      return socket;
    },
  });
})()`;

/** Waits until the picture is another one, twice: the console is alive. */
async function untilMoving(page: Frame, withinMs = DEADLINE_MS): Promise<void> {
  const seen = new Set<unknown>();
  await until(
    'the picture moves',
    async () => {
      const now = await page.evaluate(FINGERPRINT);
      if (now !== 0) seen.add(now);
      return seen.size >= 3;
    },
    withinMs,
  );
}

test('real noVNC behind the gateway', async (t) => {
  const lab = await startLab(t);
  const { gateway, servers } = lab;
  const browser = await openBrowser(t);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);

  await t.test('who is not logged in gets the page of a console, and no console', async () => {
    await page.goto(`${gateway.console}/${PAGE}&path=${encodeURIComponent(`?token=${TOKEN}`)}`);
    await until('it is refused', () => page.evaluate('window.closes.length > 0'));
    assert.equal(await page.evaluate(FINGERPRINT), 0);
  });

  await t.test('in the dashboard, its picture moves and keys arrive', async () => {
    await login(page, gateway);
    const frame = await openInDashboard(page, gateway);
    await untilMoving(frame);
    await lab.type(page, frame, 'in the dashboard');
  });

  await t.test('by itself, on another port than the dashboard, just so', async () => {
    await page.goto(
      `${gateway.console}/${PAGE}&path=${encodeURIComponent(`websockify?token=${TOKEN}`)}`,
    );
    await untilMoving(page.mainFrame());
    await lab.type(page, page.mainFrame(), 'by itself');
  });

  for (const place of ['by itself', 'in the dashboard'] as const) {
    await t.test(
      `its noVNC proxy is killed: ${place}, it is drawn by the other one within 5 s`,
      async () => {
        const frame =
          place === 'by itself' ? page.mainFrame() : await openInDashboard(page, gateway);
        await untilMoving(frame);
        const serving = servers[await servingIndex(gateway)] as ConsoleServer;
        const before = performance.now();
        await serving.kill();
        await until('the page has noticed', () => frame.evaluate('window.closes.length > 0'));
        await frame.waitForSelector('html.noVNC_connected', { state: 'attached' });
        await untilMoving(frame, BACK_WITHIN_MS);
        const took = performance.now() - before;
        t.diagnostic(`${place}: drawn again after ${Math.round(took)} ms`);
        assert.ok(took < BACK_WITHIN_MS, `${took} ms`);
        const [close] = (await frame.evaluate('window.closes')) as {
          code: number;
          wasClean: boolean;
        }[];
        assert.ok(close?.wasClean && [1012, 1014].includes(close.code), JSON.stringify(close));
        assert.notEqual(servers[await servingIndex(gateway)], serving);
        await lab.type(page, frame, `again ${place}`);
        await serving.start();
        await untilAllUp(gateway);
      },
    );
  }

  await t.test('the gateway stops: the page is told 1001', async () => {
    const frame = await openInDashboard(page, gateway);
    await untilMoving(frame);
    const stopped = gateway.program.stop();
    await until('the page is told', () => frame.evaluate('window.closes.length > 0'));
    assert.deepEqual(((await frame.evaluate('window.closes')) as unknown[])[0], {
      code: 1001,
      wasClean: true,
    });
    await page.close();
    await stopped;
  });
});

/** Two noVNC proxies on one screen, a dashboard, memcached, and the gateway before all of them. */
async function startLab(t: TestContext) {
  const programs = await Programs.open(t);
  const [nodes, consoles, [consolePort]] = await Promise.all([
    startMemcached(programs, 1),
    startConsoles(programs),
    freePorts(1),
  ]);
  const keys = await startTerminal(programs, consoles.display);
  const memcached = nodes.map(({ address }) => address);
  const gateway = await startGateway(programs, 'gateway', {
    portal: [await startDashboard(t, memcached, `https://127.0.0.1:${consolePort}/${PAGE}`)],
    portalHealthPath: '/dashboard/auth/login/',
    console: consoles.urls,
    memcached,
    settings: {
      CONSOLE_LISTEN: `127.0.0.1:${consolePort}`,
      CONSOLE_REQUIRE_SESSION: 'on',
      CONSOLE_ALLOWED_ORIGINS: 'same-host',
      PORTAL_ROOT_REDIRECT: '/dashboard/',
      HEALTH_INTERVAL: '500ms',
      TUNNEL_PING: '2s',
    },
  });
  const type = async (page: Page, frame: Frame, text: string) => {
    await frame.click('#noVNC_container canvas');
    await page.keyboard.type(text);
    await until(`"${text}" has arrived`, async () => (await readFile(keys, 'utf8')).includes(text));
  };
  return {
    gateway: { ...gateway, console: `https://127.0.0.1:${consolePort}` },
    servers: consoles.servers,
    type,
  };
}

async function startDashboard(
  t: TestContext,
  nodes: readonly string[],
  consoleUrl: string,
): Promise<string> {
  const client = new Cluster({ nodes, placement: 'pymemcache' });
  const app = createMockDashboard({
    name: 'dashboard-1',
    sessions: djangoSession({ client }),
    users: { demo: 'secret' },
    consoleUrl,
    tokens: () => TOKEN,
    trustForwardedProto: true,
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close().closeAllConnections();
    client.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function login(page: Page, gateway: Gateway): Promise<void> {
  await page.goto(`${gateway.portal}/dashboard/auth/login/`);
  await page.fill('[name=username]', 'demo');
  await page.fill('[name=password]', 'secret');
  await page.press('[name=password]', 'Enter');
  await page.waitForURL((url) => !url.pathname.includes('/auth/login/'));
}

async function openInDashboard(page: Page, gateway: Gateway): Promise<Frame> {
  await page.goto(`${gateway.portal}/dashboard/project/instances/`);
  const link = page.locator('a[href$="/console/"]').first();
  await link.click();
  const element = await page.waitForSelector('iframe.console');
  const frame = await element.contentFrame();
  assert.ok(frame, 'the console is in a frame');
  return frame;
}

interface ServiceState {
  readonly name: string;
  readonly backends: readonly { readonly active: number; readonly health: string }[];
}

async function consoleState(gateway: Gateway): Promise<ServiceState> {
  const state = await (await fetch(`${gateway.admin}/api/state`)).json();
  const { services } = state as { services: ServiceState[] };
  return services.find(({ name }) => name === 'console')!;
}

/** Which of the noVNC proxies has the one console that is open. */
async function servingIndex(gateway: Gateway): Promise<number> {
  let active: number[] = [];
  await until('one console is open', async () => {
    active = (await consoleState(gateway)).backends.map((backend) => backend.active);
    return active.reduce((sum, count) => sum + count) === 1;
  });
  return active.indexOf(1);
}

async function untilAllUp(gateway: Gateway): Promise<void> {
  await until('every noVNC proxy is up', async () =>
    (await consoleState(gateway)).backends.every(({ health }) => health === 'up'),
  );
}
