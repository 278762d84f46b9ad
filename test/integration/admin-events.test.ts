import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { adminApp } from '../../src/admin/admin.ts';
import { History } from '../../src/admin/history.ts';
import { Watchers, type WatchersOptions } from '../../src/admin/watchers.ts';
import { NO_REQUESTS } from '../../src/relay/request-counts.ts';
import { gatewaySettings, startTestGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

interface Stream {
  readonly status: number;
  readonly type: string | null;
  /** All messages so far, as name and data. */
  readonly messages: { readonly name: string; readonly data: unknown }[];
  readonly ended: () => boolean;
  leave(): void;
}

/** Watches by server-sent events until the test ends. */
async function watch(t: TestContext, url: string): Promise<Stream> {
  const abort = new AbortController();
  const answer = await fetch(url, { signal: abort.signal });
  const messages: Stream['messages'] = [];
  let ended = false;
  let text = '';
  const read = async () => {
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const message = /^(?:retry: \d+\n)?event: (.*)\ndata: (.*)$/.exec(text.slice(0, end));
        if (message) messages.push({ name: message[1]!, data: JSON.parse(message[2]!) });
        text = text.slice(end + 2);
      }
    }
  };
  const done = read().then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  const leave = () => abort.abort();
  t.after(async () => {
    leave();
    await done;
  });
  const { status, headers } = answer;
  return { status, type: headers.get('content-type'), messages, ended: () => ended, leave };
}

async function serve(
  t: TestContext,
  handler: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** Watchers of a feed that counts how often it was asked. */
async function stageOf(t: TestContext, options: Partial<WatchersOptions>, size = 1) {
  const watchers = new Watchers(options);
  let asked = 0;
  const feed = async () => {
    asked += 1;
    return `event: count\ndata: ${JSON.stringify([asked, 'x'.repeat(size)])}\n\n`;
  };
  const { port } = await serve(t, (_req, res) => watchers.add(res, 'retry: 1\n\n', feed));
  t.after(() => watchers.dismiss());
  return { watchers, asked: () => asked, url: `http://127.0.0.1:${port}/`, port };
}

test('a feed is asked only while somebody watches, and once for all who do', async (t) => {
  const { watchers, asked, url } = await stageOf(t, { everyMs: 30 });
  const one = await watch(t, url);
  const other = await watch(t, url);
  await until('both have heard', () => one.messages.length > 4 && other.messages.length > 4);
  const heard = new Set([...one.messages, ...other.messages].map(({ data }) => String(data)));
  assert.ok(heard.size < one.messages.length + other.messages.length - 2, 'they share messages');
  one.leave();
  other.leave();
  await until('nobody watches', () => watchers.size === 0);
  const before = asked();
  const again = await watch(t, url);
  await until('it is told anew', () => again.messages.length > 0);
  assert.ok(asked() <= before + 2, 'nothing was asked meanwhile');
});

test('a watcher that does not read misses messages, holds up nobody, and is let go', async (t) => {
  const { watchers, url, port } = await stageOf(t, { everyMs: 10, patienceMs: 500 }, 400_000);
  const stuck = connect(port, '127.0.0.1');
  t.after(() => stuck.destroy());
  stuck.pause();
  stuck.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('it watches', () => watchers.size === 1);
  const reader = await watch(t, url);
  await until('the other one goes on hearing', () => reader.messages.length > 5);
  await until('it is let go', () => watchers.size === 1);
  assert.equal(reader.ended(), false);
});

test('nobody watches for longer than told without coming anew', async (t) => {
  const { watchers, url } = await stageOf(t, { longestMs: 100 });
  const stream = await watch(t, url);
  await until('it has ended', stream.ended);
  assert.ok(stream.messages.length > 0);
  assert.equal(watchers.size, 0);
});

test('who does not take the end of the stream is let go all the same', async (t) => {
  const options = { everyMs: 10, longestMs: 300, leaveMs: 200 };
  const { watchers, port } = await stageOf(t, options, 4_000_000);
  const stuck = connect(port, '127.0.0.1');
  t.after(() => stuck.destroy());
  stuck.pause();
  stuck.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('it watches', () => watchers.size === 1);
  await until('its place is free', () => watchers.size === 0);
});

test('who leaves before it can watch takes no place', async (t) => {
  const watchers = new Watchers();
  t.after(() => watchers.dismiss());
  let gone = false;
  const { port } = await serve(t, (_req, res) => {
    res.once('close', () => {
      // As a login does that was looked up in memcached meanwhile.
      watchers.add(res, '', async () => '');
      gone = true;
    });
  });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', () => socket.destroy());
  await until('it is gone', () => gone);
  assert.equal(watchers.size, 0);
});

test('no more watch than may', async (t) => {
  const watchers = new Watchers({ most: 1 });
  t.after(() => watchers.dismiss());
  const app = adminApp({
    services: () => [],
    cluster: () => ({ ping: async () => new Map() }),
    isStopping: () => false,
    watchers,
  });
  const { port } = await serve(t, app);
  const url = `http://127.0.0.1:${port}/api/events`;
  const first = await watch(t, url);
  assert.deepEqual([first.status, first.type], [200, 'text/event-stream']);
  const refused = await fetch(url);
  assert.equal(refused.status, 503);
  assert.match(((await refused.json()) as { remedy: string }).remedy, /close/);
  first.leave();
  await until('there is room', () => watchers.size === 0);
  assert.equal((await watch(t, url)).status, 200);
});

test('the page begins with the history, and is then told the latest of it', async (t) => {
  const history = new History();
  for (const at of [1_000, 2_000, 3_000]) history.sample(at, new Map([['portal', NO_REQUESTS]]));
  const watchers = new Watchers({ everyMs: 20 });
  t.after(() => watchers.dismiss());
  const app = adminApp({
    services: () => [],
    cluster: () => ({ ping: async () => new Map() }),
    isStopping: () => false,
    watchers,
    history,
  });
  const { port } = await serve(t, app);
  const { messages } = await watch(t, `http://127.0.0.1:${port}/api/events?view=page`);
  await until('it is told', () => messages.length > 1);
  const [hello, page] = messages as { name: string; data: Record<string, unknown> }[];
  assert.equal(hello?.name, 'hello');
  assert.equal((hello!.data.points as unknown[]).length, 2);
  assert.equal(page?.name, 'page');
  assert.match(String(page?.data.html), /^<main /);
  assert.deepEqual(page?.data.point, history.latest);
});

test('who watches a gateway hears of its state, and does not hold up its end', async (t) => {
  const settings = { ...(await gatewaySettings(t)), SHUTDOWN_TIMEOUT: '30s' };
  const gateway = await startTestGateway(t, {
    ...settings,
    PORTAL_BACKENDS: 'http://127.0.0.1:9',
    CONSOLE_BACKENDS: 'http://127.0.0.1:9',
  });
  const { port } = gateway.addresses.admin!;
  const stream = await watch(t, `http://127.0.0.1:${port}/api/events`);
  await until('it is told', () => stream.messages.length > 0);
  const { name, data } = stream.messages[0]!;
  assert.equal(name, 'state');
  assert.equal((data as { ready: boolean }).ready, false);
  const begun = performance.now();
  await gateway.close();
  assert.ok(performance.now() - begun < 10_000);
  await until('it has ended', stream.ended);
});
