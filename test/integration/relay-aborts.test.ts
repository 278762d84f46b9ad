import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { atRest, endsOf, loadOf } from '../support/at-rest.ts';
import { startTestGateway } from '../support/gateway.ts';
import { type Leaving, leaveTls, openTls, type TlsClient } from '../support/tls-client.ts';
import { until } from '../support/until.ts';

const LEAVINGS: readonly Leaving[] = ['end', 'close', 'reset'];
/** How soon all that an abort leaves is gone; a tick of the deadlines is 0.1 s. */
const SOON_MS = 1_000;
/** The same where a peer has bytes to take and does not: it has 2 s for that. */
const GRACE_MS = 3_000;
/** A deadline of the gateway's own, for what it cannot see before: a peer that it does not read. */
const OWN_DEADLINE = '2s';
const OWN_DEADLINE_MS = 2_000 + GRACE_MS;

const HOST = 'Host: a\r\nConnection: close\r\n';
const GET = `GET /x HTTP/1.1\r\n${HOST}\r\n`;
const LONG_POST = `POST /x HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`;
const UPGRADE =
  'GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZGFzaGdhdGUtYmVuY2gtMQ==\r\n\r\n';
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const LONG_ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n';

/** A gateway before one backend that does nothing but take connections, health checks apart. */
class Stage {
  readonly gateway: Gateway;
  readonly backendPort: number;
  /** Connections on which a request has come, until a test takes them. */
  readonly #asked: Socket[];

  private constructor(gateway: Gateway, backendPort: number, asked: Socket[]) {
    this.gateway = gateway;
    this.backendPort = backendPort;
    this.#asked = asked;
  }

  static async open(t: TestContext, settings: Record<string, string> = {}): Promise<Stage> {
    const asked: Socket[] = [];
    const open = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
      socket.once('data', (data) => {
        if (data.includes('GET /health ')) socket.end(OK);
        else asked.push(socket);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: `http://127.0.0.1:${port} maxconn=1`,
      HEALTH_INTERVAL: '1h',
      HEALTH_FALL: '100',
      ...settings,
    });
    return new Stage(gateway, port, asked);
  }

  async client(t: TestContext, request = ''): Promise<TlsClient> {
    const client = openTls(this.gateway.addresses.portal!.port);
    t.after(() => client.tls.destroy());
    await once(client.tls, 'secureConnect');
    if (request) client.tls.write(request);
    return client;
  }

  /** The backend's side of the next request. */
  async backend(): Promise<Socket> {
    await until('the backend is asked', () => this.#asked.length > 0);
    return this.#asked.shift()!;
  }

  /** Everything is given back, and the one place of the backend serves the next request. */
  async assertAtRest(t: TestContext, withinMs: number): Promise<void> {
    await atRest(this.gateway, this.backendPort, withinMs);
    const client = await this.client(t, GET);
    const answer = readAll(client.tls);
    (await this.backend()).end(OK);
    assert.match(await answer, /^HTTP\/1\.1 200 [\s\S]*ok$/);
    await atRest(this.gateway, this.backendPort, SOON_MS);
  }
}

/** All that comes until the connection is closed, in whatever way. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

function leavePlain(socket: Socket, leaving: Leaving): void {
  if (leaving === 'end') socket.end();
  else if (leaving === 'close') socket.destroy();
  else socket.resetAndDestroy();
}

/** Writes until the other side takes no more, of which nothing tells but that nothing goes. */
function fill(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const more = () => {
      if (socket.destroyed) return resolve();
      const taken = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength < 4_000_000) socket.write(Buffer.alloc(1_000_000));
      setTimeout(() => {
        if (socket.bytesWritten - socket.writableLength === taken) resolve();
        else more();
      }, 100);
    };
    more();
  });
}

interface ClientStage {
  readonly name: string;
  readonly settings?: Record<string, string>;
  readonly withinMs?: number;
  /** Brings a client to the point at which it leaves. */
  readonly reach: (stage: Stage, t: TestContext) => Promise<TlsClient>;
}

/** A client whose request holds the only place, so that the next one waits. */
async function occupy(stage: Stage, t: TestContext): Promise<TlsClient> {
  const first = await stage.client(t, GET);
  await stage.backend();
  return first;
}

async function queued(stage: Stage, t: TestContext, request: string): Promise<TlsClient> {
  const first = await occupy(stage, t);
  const second = await stage.client(t, request);
  await until('the second waits', async () => (await loadOf(stage.gateway)).queued === 1);
  // When the second has left, so does the first: its place must not go to who is not there.
  second.tcp.once('close', () => first.tls.destroy());
  return second;
}

async function asked(stage: Stage, t: TestContext, request: string, answer = '') {
  const client = await stage.client(t, request);
  const backend = await stage.backend();
  if (answer) {
    backend.write(answer);
    await once(client.tls, 'readable');
  }
  return { client, backend };
}

const CLIENT_STAGES: readonly ClientStage[] = [
  { name: 'before its first request', reach: (stage, t) => stage.client(t) },
  { name: 'within its head', reach: (stage, t) => stage.client(t, GET.slice(0, 20)) },
  {
    name: 'within its body',
    reach: async (stage, t) => (await asked(stage, t, `${LONG_POST}part`)).client,
  },
  {
    name: 'within a chunk of its body',
    reach: async (stage, t) => {
      const head = `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
      return (await asked(stage, t, `${head}5\r\nab`)).client;
    },
  },
  {
    name: 'within a body that the backend does not read',
    settings: { SERVER_TIMEOUT: OWN_DEADLINE },
    withinMs: OWN_DEADLINE_MS,
    reach: async (stage, t) => {
      const head = LONG_POST.replace('100000', '100000000');
      const { client, backend } = await asked(stage, t, head);
      backend.pause();
      await fill(client.tls);
      return client;
    },
  },
  { name: 'waiting for its answer', reach: async (s, t) => (await asked(s, t, GET)).client },
  {
    name: 'waiting for the answer to its whole body',
    reach: async (stage, t) => {
      const post = `POST /x HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`;
      return (await asked(stage, t, post)).client;
    },
  },
  {
    name: 'waiting with another request behind',
    reach: async (stage, t) => (await asked(stage, t, GET.replace('close', 'x').repeat(2))).client,
  },
  { name: 'in the queue', reach: (stage, t) => queued(stage, t, GET) },
  {
    name: 'in the queue with its whole body',
    reach: (stage, t) =>
      queued(stage, t, `POST /x HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`),
  },
  {
    name: 'after an interim answer',
    reach: async (stage, t) =>
      (await asked(stage, t, GET, 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n')).client,
  },
  {
    name: 'within its answer',
    reach: async (stage, t) => (await asked(stage, t, GET, `${LONG_ANSWER}part`)).client,
  },
  {
    name: 'within an answer that overtook its body',
    reach: async (stage, t) =>
      (await asked(stage, t, `${LONG_POST}part`, `${LONG_ANSWER}part`)).client,
  },
  {
    name: 'within an answer that it does not read',
    reach: async (stage, t) => {
      const { client, backend } = await asked(stage, t, GET, LONG_ANSWER);
      await fill(backend);
      return client;
    },
  },
  {
    name: 'in a tunnel',
    reach: async (stage, t) => (await asked(stage, t, UPGRADE, `${SWITCHING}frame`)).client,
  },
  {
    name: 'in a tunnel that it does not read',
    withinMs: GRACE_MS,
    reach: async (stage, t) => {
      const { client, backend } = await asked(stage, t, UPGRADE, SWITCHING);
      await fill(backend);
      return client;
    },
  },
  {
    name: 'in a tunnel that the backend does not read',
    settings: { TUNNEL_TIMEOUT: OWN_DEADLINE },
    withinMs: OWN_DEADLINE_MS,
    reach: async (stage, t) => {
      const { client, backend } = await asked(stage, t, UPGRADE, SWITCHING);
      backend.pause();
      await fill(client.tls);
      return client;
    },
  },
];

describe('nothing is held for a client that leaves', { concurrency: 4 }, () => {
  for (const { name, settings, reach, withinMs = SOON_MS } of CLIENT_STAGES) {
    for (const leaving of LEAVINGS) {
      test(`${name} (${leaving})`, async (t) => {
        const stage = await Stage.open(t, settings);
        const client = await reach(stage, t);
        assert.ok(endsOf(stage.gateway, stage.backendPort).length > 0, 'the sockets are seen');
        leaveTls(client, leaving);
        client.tls.resume();
        await stage.assertAtRest(t, withinMs);
      });
    }
  }

  test('in its handshake', async (t) => {
    const stage = await Stage.open(t);
    for (const leaving of LEAVINGS) {
      const { tcp } = openTls(stage.gateway.addresses.portal!.port);
      await once(tcp, 'connect');
      leavePlain(tcp, leaving);
      await stage.assertAtRest(t, SOON_MS);
    }
  });
});

interface BackendStage {
  readonly name: string;
  readonly request?: string;
  /** What the backend says before it goes. */
  readonly said?: string;
  /** Whether something of that reaches the client at once. */
  readonly visible?: boolean;
  /** What the client makes of it, or by how the backend goes. */
  readonly expected: RegExp | Partial<Record<Leaving, RegExp>>;
}

const BAD_GATEWAY = /^HTTP\/1\.1 502 [\s\S]*<\/html>\s*$/;
const BROKEN_OFF = /^HTTP\/1\.1 200 [\s\S]*part(\r\n)?$/;
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

const BACKEND_STAGES: readonly BackendStage[] = [
  { name: 'before its answer', expected: BAD_GATEWAY },
  { name: 'before it has the whole body', request: `${LONG_POST}part`, expected: BAD_GATEWAY },
  {
    name: 'within its head',
    said: 'HTTP/1.1 200 OK\r\nContent-Le',
    visible: false,
    expected: BAD_GATEWAY,
  },
  {
    name: 'after an interim answer',
    said: 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n',
    expected: /^HTTP\/1\.1 103 [\s\S]*\r\n\r\nHTTP\/1\.1 502 [\s\S]*<\/html>\s*$/,
  },
  { name: 'within its answer', said: `${LONG_ANSWER}part`, expected: BROKEN_OFF },
  { name: 'within a chunk', said: `${CHUNKED}8\r\npart`, expected: BROKEN_OFF },
  { name: 'between two chunks', said: `${CHUNKED}4\r\npart\r\n`, expected: BROKEN_OFF },
  {
    name: 'in an answer that lasts until it closes',
    said: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart',
    expected: {
      end: /part\r\n0\r\n\r\n$/,
      close: /part\r\n0\r\n\r\n$/,
      reset: BROKEN_OFF,
    },
  },
  { name: 'in a tunnel', request: UPGRADE, said: `${SWITCHING}frame`, expected: /frame$/ },
];

describe('nothing is held of a backend that leaves', { concurrency: 4 }, () => {
  for (const { name, request = GET, said = '', visible = true, expected } of BACKEND_STAGES) {
    for (const leaving of LEAVINGS) {
      test(`${name} (${leaving})`, async (t) => {
        const stage = await Stage.open(t);
        const client = await stage.client(t, request);
        const seen = readAll(client.tls);
        const backend = await stage.backend();
        if (said) {
          backend.write(said);
          if (visible) await once(client.tls, 'data');
        }
        leavePlain(backend, leaving);
        await stage.assertAtRest(t, SOON_MS);
        const due = expected instanceof RegExp ? expected : expected[leaving]!;
        assert.match(await seen, due);
      });
    }
  }

  const unread = [
    { where: 'a tunnel', request: UPGRADE, said: SWITCHING, deadline: 'TUNNEL_TIMEOUT' },
    { where: 'an answer', request: GET, said: LONG_ANSWER, deadline: 'CLIENT_TIMEOUT' },
  ];
  for (const { where, request, said, deadline } of unread) {
    for (const leaving of LEAVINGS) {
      test(`in ${where} that the client does not read (${leaving})`, async (t) => {
        const stage = await Stage.open(t, { [deadline]: OWN_DEADLINE });
        const { backend } = await asked(stage, t, request, said);
        await fill(backend);
        leavePlain(backend, leaving);
        await stage.assertAtRest(t, OWN_DEADLINE_MS);
      });
    }
  }

  test('while its connection is unused', async (t) => {
    for (const leaving of LEAVINGS) {
      const stage = await Stage.open(t);
      const client = await stage.client(t, GET);
      const answer = readAll(client.tls);
      const backend = await stage.backend();
      backend.write(OK);
      await answer;
      assert.deepEqual(endsOf(stage.gateway, stage.backendPort), ['backend ESTABLISHED']);
      leavePlain(backend, leaving);
      await stage.assertAtRest(t, SOON_MS);
    }
  });
});
