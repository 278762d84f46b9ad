import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import {
  AbortStage,
  asked,
  fill,
  GET,
  GRACE_MS,
  HOST,
  LEAVINGS,
  LONG_ANSWER,
  LONG_POST,
  leavePlain,
  OWN_DEADLINE,
  OWN_DEADLINE_MS,
  SOON_MS,
  SWITCHING,
  UPGRADE,
} from '../support/abort-stage.ts';
import { endsOf, loadOf } from '../support/at-rest.ts';
import { leaveTls, openTls, type TlsClient } from '../support/tls-client.ts';
import { until } from '../support/until.ts';

interface ClientStage {
  readonly name: string;
  readonly settings?: Record<string, string>;
  readonly withinMs?: number;
  /** Brings a client to the point at which it leaves. */
  readonly reach: (stage: AbortStage, t: TestContext) => Promise<TlsClient>;
}

/** A client whose request holds the only place, so that the next one waits. */
async function occupy(stage: AbortStage, t: TestContext): Promise<TlsClient> {
  const first = await stage.client(t, GET);
  await stage.backend();
  return first;
}

async function queued(stage: AbortStage, t: TestContext, request: string): Promise<TlsClient> {
  const first = await occupy(stage, t);
  const second = await stage.client(t, request);
  await until('the second waits', async () => (await loadOf(stage.gateway)).queued === 1);
  // When the second has left, so does the first: its place must not go to who is not there.
  second.tcp.once('close', () => first.tls.destroy());
  return second;
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
        const stage = await AbortStage.open(t, settings);
        const client = await reach(stage, t);
        assert.ok(endsOf(stage.gateway, stage.backendPort).length > 0, 'the sockets are seen');
        leaveTls(client, leaving);
        client.tls.resume();
        await stage.assertAtRest(t, withinMs);
      });
    }
  }

  test('in its handshake', async (t) => {
    const stage = await AbortStage.open(t);
    for (const leaving of LEAVINGS) {
      const { tcp } = openTls(stage.gateway.addresses.portal!.port);
      await once(tcp, 'connect');
      leavePlain(tcp, leaving);
      await stage.assertAtRest(t, SOON_MS);
    }
  });
});
