import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Frame, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { freePorts } from '../support/free-port.ts';
import { fetchTls, temporaryFolder } from '../support/gateway.ts';
import { descendants, isRunning, type ProcessInfo } from '../support/processes.ts';
import { until } from '../support/until.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const WAIT_MS = 60_000;

interface Demo {
  readonly portal: number;
  readonly console: number;
  readonly admin: number;
  readonly process: ChildProcess;
  readonly out: () => string;
}

/** Starts `npm run demo` as a user does, on free ports. */
async function startDemo(t: TestContext, env: Record<string, string> = {}): Promise<Demo> {
  const [portal, novnc, admin, cache] = (await freePorts(4)) as [number, number, number, number];
  const child = spawn('npm', ['run', 'demo'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORTAL_LISTEN: `127.0.0.1:${portal}`,
      CONSOLE_LISTEN: `127.0.0.1:${novnc}`,
      ADMIN_LISTEN: `127.0.0.1:${admin}`,
      CACHE_LISTEN: `127.0.0.1:${cache}`,
      DEMO_PASSWORD: 'secret',
      ...env,
    },
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      out += data;
    });
  }
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid!, 'SIGINT');
    await once(child, 'exit');
  });
  await until(
    'the demo is ready',
    () => {
      if (child.exitCode !== null) throw new Error(`the demo ended: ${out}`);
      return out.includes('Dashgate demo ready');
    },
    WAIT_MS,
  );
  return { portal, console: novnc, admin, process: child, out: () => out };
}

async function openPage(t: TestContext): Promise<{ page: Page; complaints: string[] }> {
  const browser = await openBrowser(t);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (/^(http|ws):/.test(request.url())) complaints.push(`not secure: ${request.url()}`);
  });
  page.on('websocket', (socket) => {
    if (!socket.url().startsWith('wss:')) complaints.push(`not secure: ${socket.url()}`);
  });
  return { page, complaints };
}

async function logIn(page: Page, { portal }: Demo): Promise<void> {
  await page.goto(`https://127.0.0.1:${portal}/`);
  await page.fill('input[name=username]', 'demo');
  await page.fill('input[name=password]', 'secret');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/dashboard/project/').catch(async (cause) => {
    const shown = await page.locator('body').innerText();
    throw new Error(`no login, but ${page.url()}: ${shown.slice(0, 1_000)}`, { cause });
  });
}

/** Who has served this session so far, as the page tells. */
async function servers(page: Page): Promise<Set<string>> {
  const rows = page.locator('[data-instance]');
  const names = await rows.evaluateAll((elements) =>
    elements.map((element) =>
      String((element as unknown as { dataset: { instance: string } }).dataset.instance),
    ),
  );
  return new Set(names);
}

/** The process of the demo itself, and those of its parts by name. */
function processesOf(demo: Demo): { gateway: ProcessInfo; parts: Map<string, ProcessInfo> } {
  const all = descendants(demo.process.pid!);
  const gateway = all.find(({ command }) => command.at(-2) === 'demo' && command[0] !== 'sh');
  assert.ok(gateway, 'the demo runs');
  const parts = new Map<string, ProcessInfo>();
  for (const info of all) {
    const name = info.env.find((entry) => entry.startsWith('DEMO_NAME='))?.slice(10);
    if (name && info.parent === gateway.pid) parts.set(name, info);
  }
  return { gateway, parts };
}

async function memcachedPorts(demo: Demo): Promise<number[]> {
  const answer = await fetch(`http://127.0.0.1:${demo.admin}/api/state`);
  const state = (await answer.json()) as { memcached: { node: string }[] };
  return state.memcached.map(({ node }) => Number(node.split(':')[1]));
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
      .once('connect', () => resolve(true))
      .once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function pixels(frame: Frame): Promise<string> {
  return frame.evaluate("document.querySelector('canvas').toDataURL()");
}

test('a person logs in, is served by three dashboards in one session, and sees a live console', async (t) => {
  const demo = await startDemo(t);
  assert.match(demo.out(), /^ {2}console .*open it from Instances in the portal/m);
  const { page, complaints } = await openPage(t);
  await logIn(page, demo);
  await until(
    'all three dashboards have served this session',
    async () => {
      await page.reload();
      return (await servers(page)).size === 3;
    },
    WAIT_MS,
  );
  const requests = Number(await page.locator('[data-requests]').getAttribute('data-requests'));
  await page.reload();
  const more = Number(await page.locator('[data-requests]').getAttribute('data-requests'));
  assert.ok(more > requests, 'one session goes on counting');

  await page.goto(`https://127.0.0.1:${demo.portal}/dashboard/project/instances/`);
  await page.locator('a:has-text("Console")').first().click();
  const frame = await until('the console frame is there', () => page.frames().length > 1).then(
    () => page.frames()[1]!,
  );
  await frame.locator('canvas').waitFor();
  await frame.locator('#status[data-state=connected]').waitFor();
  const first = await pixels(frame);
  await until('the picture moves', async () => (await pixels(frame)) !== first);
  assert.match(
    frame.url(),
    new RegExp(`^https://127\\.0\\.0\\.1:${demo.console}/vnc_lite\\.html\\?`),
  );

  const state = await (await fetch(`http://127.0.0.1:${demo.admin}/api/state`)).json();
  assert.equal((state as { services: { tunnels: number }[] }).services[1]?.tunnels, 1);
  assert.deepEqual(complaints, []);
});

test('a dashboard that is killed under load fails no request and logs nobody out, and comes back', async (t) => {
  const demo = await startDemo(t);
  const { page } = await openPage(t);
  await logIn(page, demo);
  const cookies = await page.context().cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const path = '/dashboard/project/';
  const seen = new Map<string, number>();
  let requests = 0;
  let stop = false;
  const clients = Array.from({ length: 4 }, async () => {
    while (!stop) {
      const { status, headers } = await fetchTls(demo.portal, path, { headers: { cookie } });
      assert.equal(status, 200, 'served, and not sent to the login page');
      const server = String(headers['x-served-by']);
      seen.set(server, (seen.get(server) ?? 0) + 1);
      requests += 1;
    }
  });
  try {
    await until('all three work', () => seen.size === 3);
    process.kill(processesOf(demo).parts.get('dashboard-1')!.pid, 'SIGKILL');
    const before = requests;
    await until('a hundred requests later', () => requests > before + 100);
    seen.delete('dashboard-1');
    await until('it is back at work', () => seen.has('dashboard-1'), WAIT_MS);
  } finally {
    stop = true;
    await Promise.all(clients);
  }
  await page.reload();
  assert.ok(page.url().endsWith(path), 'still logged in');
});

test('Ctrl-C leaves nothing behind', async (t) => {
  const demo = await startDemo(t);
  const nodes = await memcachedPorts(demo);
  assert.equal(nodes.length, 3);
  process.kill(-demo.process.pid!, 'SIGINT');
  await once(demo.process, 'exit');
  assert.doesNotMatch(demo.out(), /died/);
  for (const port of [demo.portal, demo.console, demo.admin, ...nodes]) {
    // npm itself may be gone a moment before what it runs.
    await until(`port ${port} is closed`, async () => !(await isOpen(port)));
  }
});

test('a demo that is killed outright takes its parts along', async (t) => {
  const demo = await startDemo(t);
  const nodes = await memcachedPorts(demo);
  const { gateway, parts } = processesOf(demo);
  assert.equal(parts.size, 5);
  process.kill(gateway.pid, 'SIGKILL');
  await until('the memcached nodes are gone', async () => {
    const open = await Promise.all(nodes.map(isOpen));
    return open.every((up) => !up);
  });
  await until('the parts are gone', () => [...parts.values()].every(({ pid }) => !isRunning(pid)));
});

test('without memcached installed the demo runs on embedded nodes and says so', async (t) => {
  const demo = await startDemo(t, { PATH: pathWith(t, ['sh', 'node', 'npm', 'env', 'test']) });
  assert.match(demo.out(), /3 embedded memcached nodes \(memcached is not installed\)/);
  const { page } = await openPage(t);
  await logIn(page, demo);
  await until('all three dashboards have served this session', async () => {
    await page.reload();
    return (await servers(page)).size === 3;
  });
});

/** A PATH with these programs of the present one and no others. */
function pathWith(t: TestContext, programs: readonly string[]): string {
  const bin = join(temporaryFolder(t), 'bin');
  mkdirSync(bin);
  for (const program of programs) {
    const folders = process.env.PATH!.split(delimiter);
    const found = folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
    assert.ok(found, program);
    symlinkSync(found, join(bin, program));
  }
  return bin;
}
