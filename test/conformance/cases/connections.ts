import { Deviation } from '../bell.ts';
import { chunked, GET, head, OK, request, response } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { values } from '../message.ts';

/** Which connections live on, on both sides, and who is told so. */
export const connections: readonly ConformanceCase[] = [
  {
    name: 'RFC 9112 §9.3: a connection of HTTP/1.1 serves one request after the other',
    async play(stage) {
      for (let i = 0; i < 5; i++) await stage.stillServes(stage.client);
    },
  },
  {
    name: 'RFC 9112 §9.3: the connection to the backend serves one request after the other',
    async play(stage) {
      const first = await stage.stillServes(stage.client);
      const second = await stage.stillServes(stage.client);
      if (first !== second) throw new Deviation('opened a second connection to the backend');
    },
  },
  {
    name: 'RFC 9112 §9.6: a client that asks for it sees its connection closed, and is told so',
    async play({ client, backend }) {
      client.send(request('GET /x', 'Connection: close'));
      const { wire } = await backend.request();
      wire.send(OK);
      await client.response({ status: 200, body: 'ok', fields: { connection: /^close$/i } });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §9.6: close is found among other options, in any letter case',
    async play({ client, backend }) {
      client.send(request('GET /x', 'Connection: x-a,, CLOSE', 'X-A: b'));
      const { wire } = await backend.request({ fields: { 'x-a': null } });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §9.6: close is found in a second Connection field',
    async play({ client, backend }) {
      client.send(request('GET /x', 'Connection: x-a', 'Connection: close', 'X-A: b'));
      const { wire } = await backend.request({ fields: { 'x-a': null } });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §9.6: a request that follows one with close is not served',
    async play({ client, backend }) {
      client.send(request('GET /x', 'Connection: close') + request('GET /y'));
      const { wire } = await backend.request({ line: /^GET \/x / });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §9.3: a client of HTTP/1.0 sees its connection closed after the answer',
    async play({ client, backend }) {
      client.send(head('GET /x HTTP/1.0', 'Host: a.example'));
      const { wire } = await backend.request();
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §3.2: a client of HTTP/1.0 may leave out Host',
    async play({ client, backend }) {
      client.send(head('GET /x HTTP/1.0'));
      const { wire } = await backend.request({ line: /^GET \/x / });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9110 §2.5: a request of HTTP/1.0 goes on with the proxy’s own version',
    async play({ client, backend }) {
      client.send(head('GET /x HTTP/1.0', 'Host: a.example'));
      const { wire } = await backend.request({ line: 'GET /x HTTP/1.1' });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §9.3: a client of HTTP/1.0 that asks for keep-alive is told of it or sees the end',
    async play(stage) {
      const { client, backend } = stage;
      client.send(head('GET /x HTTP/1.0', 'Host: a.example', 'Connection: keep-alive'));
      const { wire } = await backend.request();
      wire.send(OK);
      const answer = await client.response({
        status: 200,
        body: 'ok',
        framing: ['length', 'close'],
      });
      if (/keep-alive/i.test(values(answer, 'connection').join())) await stage.stillServes(client);
      else await client.closed();
    },
  },
  {
    name: 'RFC 9112 §9.6: a backend that closes does not cost the client its connection',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(response('200 OK', 'ok', 'Connection: close'));
      wire.end();
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §9.6: a backend that says close gets no further request on that connection',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(response('200 OK', 'ok', 'Connection: close'));
      await client.response({ status: 200, body: 'ok' });
      await wire.closed();
      const next = await stage.stillServes(client);
      if (next === wire) throw new Deviation('reused a connection that was to be closed');
    },
  },
  {
    name: 'RFC 9112 §9.3: a backend of HTTP/1.0 gets no further request on its connection',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${head('HTTP/1.0 200 OK', 'Content-Length: 2')}ok`);
      await client.response({ status: 200, line: /^HTTP\/1\.1 /, body: 'ok' });
      await wire.closed();
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §9.3: a backend of HTTP/1.0 whose answer has no length ends it by closing',
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${head('HTTP/1.0 200 OK')}ok`);
      wire.end();
      await client.response({ status: 200, body: 'ok' });
    },
  },
  {
    name: 'RFC 9112 §9.3: a backend that closes an unused connection costs no request',
    async play(stage) {
      const { client } = stage;
      const used = await stage.stillServes(client);
      used.end();
      await used.closed();
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §9.3: a backend that resets an unused connection costs no request',
    async play(stage) {
      const { client } = stage;
      const used = await stage.stillServes(client);
      used.reset();
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §9.3.2: pipelined requests are answered in order',
    async play({ client, backend }) {
      client.send(request('GET /1') + request('GET /2') + request('GET /3'));
      for (const n of [1, 2, 3]) {
        const { wire } = await backend.request({ line: `GET /${n} HTTP/1.1` });
        wire.send(response('200 OK', `answer ${n}`));
      }
      for (const n of [1, 2, 3]) await client.response({ status: 200, body: `answer ${n}` });
    },
  },
  {
    name: 'RFC 9112 §9.3.2: a request that follows a body is read from where the body ends',
    async play({ client, backend }) {
      client.send(`${request('POST /1', 'Content-Length: 3')}abc${GET}`);
      const first = await backend.request({ line: /^POST \/1 /, body: 'abc' });
      first.wire.send(OK);
      const second = await backend.request({ line: /^GET \/x / });
      second.wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.response({ status: 200, body: 'ok' });
    },
  },
  {
    name: 'RFC 9112 §9.3.2: a request that follows a chunked body is read from where the body ends',
    async play({ client, backend }) {
      client.send(request('POST /1', 'Transfer-Encoding: chunked') + chunked('abc') + GET);
      const first = await backend.request({ line: /^POST \/1 /, body: 'abc' });
      first.wire.send(OK);
      const second = await backend.request({ line: /^GET \/x / });
      second.wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.response({ status: 200, body: 'ok' });
    },
  },
  {
    name: 'RFC 9112 §9.3.2: a sound request is answered before an unsound one that follows is refused',
    async play({ client, backend }) {
      client.send(GET + request('GET /y', 'X-A : b'));
      const { wire } = await backend.request({ line: /^GET \/x / });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await client.response({ status: 400 });
      await client.closed();
    },
  },
  {
    name: 'RFC 9112 §2: a request that comes byte by byte is read as one that comes at once',
    async play(stage) {
      const { client, backend } = stage;
      for (const byte of `${request('POST /x', 'Content-Length: 3')}abc`) client.send(byte);
      const { wire } = await backend.request({ line: 'POST /x HTTP/1.1', body: 'abc' });
      wire.send(OK);
      await client.response({ status: 200, body: 'ok' });
      await stage.stillServes(client);
    },
  },
  {
    name: 'RFC 9112 §9.5: a client that resets within its answer takes the connection to the backend along',
    async play(stage) {
      const { client, backend } = stage;
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(`${head('HTTP/1.1 200 OK', 'Content-Length: 10')}01234`);
      await client.shows('01234');
      client.reset();
      await wire.closed();
      const next = stage.connect();
      await stage.stillServes(next);
    },
  },
  {
    name: 'RFC 9110 §7.5: two clients at once are served each with its own answer',
    async play(stage) {
      const { client, backend } = stage;
      const other = stage.connect();
      client.send(request('GET /1'));
      const first = await backend.request({ line: /^GET \/1 / });
      other.send(request('GET /2'));
      const second = await backend.request({ line: /^GET \/2 / });
      if (first.wire === second.wire) throw new Deviation('put two requests on one connection');
      second.wire.send(response('200 OK', 'two'));
      await other.response({ status: 200, body: 'two' });
      first.wire.send(response('200 OK', 'one'));
      await client.response({ status: 200, body: 'one' });
    },
  },
];
