import { GET, head, OK, request, response } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { rejects } from '../shapes.ts';

const CONTINUE = head('HTTP/1.1 100 Continue');
const HINTS = head('HTTP/1.1 103 Early Hints', 'Link: </a.css>; rel=preload');
const EXPECTING = request('POST /x', 'Expect: 100-continue', 'Content-Length: 5');

/** 1xx responses, `Expect`, and answers that do not wait for the request. */
export const interim: readonly ConformanceCase[] = [
  {
    name: 'RFC 9110 §10.1.1: a client that waits for 100 Continue gets it once, then its answer',
    async play(stage) {
      const { client, backend } = stage;
      client.send(EXPECTING);
      const wire = await backend.connection();
      const { fields } = await wire.requestHead({ line: /^POST \/x / });
      // Whoever forwards the expectation waits for the backend's word; others give their own.
      if (fields.some(([name]) => name.toLowerCase() === 'expect')) wire.send(CONTINUE);
      await client.response({ status: 100 });
      client.send('hello');
      await wire.receives('hello');
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9110 §10.1.1: a backend that does not want the body is heard by a client that waits',
    async play({ client, backend }) {
      client.send(EXPECTING);
      const wire = await backend.connection();
      await wire.requestHead();
      wire.send(response('403 Forbidden', 'no', 'Connection: close'));
      const first = await client.response();
      if (first.status === 100) await client.response({ status: 403, body: 'no' });
      else if (first.status !== 403) await client.response({ status: 403 });
    },
  },
  {
    name: 'RFC 9110 §10.1.1: the expectation crosses, so that the backend itself decides',
    async play({ client, backend }) {
      client.send(EXPECTING);
      const wire = await backend.connection();
      await wire.requestHead({ fields: { expect: /^100-continue$/i } });
      wire.send(response('417 Expectation Failed', 'no', 'Connection: close'));
      await client.response({ status: 417, body: 'no' });
    },
  },
  {
    name: 'RFC 9110 §10.1.1: a client that does not wait is served all the same',
    async play(stage) {
      const { client, backend } = stage;
      client.send(`${EXPECTING}hello`);
      const { wire } = await backend.request({ line: /^POST \/x /, body: 'hello' });
      wire.send(OK);
      let answer = await client.response();
      if (answer.status === 100) answer = await client.response();
      if (answer.body !== 'ok') await client.response({ body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9110 §10.1.1: the expectation of a client of HTTP/1.0 is ignored',
    async play({ client, backend }) {
      client.send(
        `${head('POST /x HTTP/1.0', 'Host: a.example', 'Expect: 100-continue', 'Content-Length: 5')}hello`,
      );
      const { wire } = await backend.request({ body: 'hello' });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 8297 §2: 103 Early Hints reach the client at once, then the answer',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(HINTS);
      await client.response({ status: 103, fields: { link: '</a.css>; rel=preload' } });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9110 §15.2: several interim responses in one packet with the answer all arrive in order',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(head('HTTP/1.1 102 Processing') + HINTS + HINTS + OK);
      for (const status of [102, 103, 103]) await client.response({ status });
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9110 §15.2: an interim response that nobody knows is passed on',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(head('HTTP/1.1 199 Odd', 'X-A: b') + OK);
      await client.response({ status: 199, fields: { 'x-a': 'b' } });
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9110 §15.2: a client of HTTP/1.0 is sent no interim response',
    async play({ client, backend }) {
      client.send(head('GET /x HTTP/1.0', 'Host: a.example'));
      const { wire } = await backend.request();
      wire.send(HINTS + OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9110 §7.6.1: what Connection names in an interim response does not cross',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(
        head('HTTP/1.1 103 Early Hints', 'Connection: x-hop', 'X-Hop: 1', 'Link: </a>') + OK,
      );
      await client.response({ status: 103, fields: { 'x-hop': null, link: '</a>' } });
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  rejects(
    'RFC 9112 §5: an unsound interim response is not passed on',
    head('HTTP/1.1 103 Early Hints', 'X-(A): b') + OK,
  ),
  rejects(
    'RFC 9110 §15.2.2: a 101 that nobody asked for is not passed on',
    head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: evil'),
  ),
  {
    name: 'RFC 9112 §9.3: an answer that does not wait for the end of an upload reaches the client',
    async play({ client, backend }) {
      client.send(`${request('POST /x', 'Content-Length: 10')}01234`);
      const wire = await backend.connection();
      await wire.requestHead();
      await wire.receives('01234');
      wire.send(response('413 Content Too Large', 'too much', 'Connection: close'));
      await client.response({ status: 413, body: 'too much' });
    },
  },
  {
    name: 'RFC 9112 §9.3: the rest of an upload that was answered early is no request',
    async play({ client, backend }) {
      const trap = request('GET /trap');
      client.send(request('POST /x', `Content-Length: ${trap.length + 5}`));
      const wire = await backend.connection();
      await wire.requestHead();
      wire.send(response('403 Forbidden', 'no', 'Connection: close'));
      await client.response({ status: 403, body: 'no' });
      wire.reset();
      client.send(`01234${trap}${request('GET /last', 'Connection: close')}`);
      // Read to its end or not, only what follows the body may be taken for a request.
      const last = await Promise.race([client.closed(), backend.request({ line: /^GET \/last / })]);
      if (!last) return;
      last.wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §9.3: a connection to a backend that answered early gets no further request',
    async play(stage) {
      const { client, backend } = stage;
      client.send(`${request('POST /x', 'Content-Length: 10')}01234`);
      const wire = await backend.connection();
      await wire.requestHead();
      await wire.receives('01234');
      wire.send(response('403 Forbidden', 'no'));
      await client.response({ status: 403, body: 'no' });
      const other = stage.connect();
      const next = await stage.stillServes(other);
      if (next === wire) await next.closed();
    },
  },
];
