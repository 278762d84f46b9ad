import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  AbortStage,
  asked,
  fill,
  GET,
  LEAVINGS,
  LONG_ANSWER,
  LONG_POST,
  leavePlain,
  OK,
  OWN_DEADLINE,
  OWN_DEADLINE_MS,
  readAll,
  SOON_MS,
  SWITCHING,
  UPGRADE,
} from '../support/abort-stage.ts';
import { endsOf } from '../support/at-rest.ts';
import type { Leaving } from '../support/tls-client.ts';

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
        const stage = await AbortStage.open(t);
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
        const stage = await AbortStage.open(t, { [deadline]: OWN_DEADLINE });
        const { backend } = await asked(stage, t, request, said);
        await fill(backend);
        leavePlain(backend, leaving);
        await stage.assertAtRest(t, OWN_DEADLINE_MS);
      });
    }
  }

  test('while its connection is unused', async (t) => {
    for (const leaving of LEAVINGS) {
      const stage = await AbortStage.open(t);
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
