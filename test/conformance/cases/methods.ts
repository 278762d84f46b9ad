import { OK, request, response } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { forwards, relays } from '../shapes.ts';

/** Methods, and what they change about a message. */
export const methods: readonly ConformanceCase[] = [
  forwards('RFC 9110 §9.1: a method that nobody knows crosses', request('BREW /pot'), {
    line: 'BREW /pot HTTP/1.1',
  }),
  forwards(
    'RFC 9110 §9.1: a method in lower case is another method, and crosses as it is',
    request('get /x'),
    { line: 'get /x HTTP/1.1' },
  ),
  forwards('RFC 9110 §9.1: any token is a method', request("M-!#$%&'*+.^_`|~1 /x"), {
    line: "M-!#$%&'*+.^_`|~1 /x HTTP/1.1",
  }),
  forwards(
    'RFC 9110 §9.3.1: a body of a GET crosses with its framing',
    `${request('GET /x', 'Content-Length: 3')}abc`,
    { line: 'GET /x HTTP/1.1', body: 'abc', framing: 'length' },
  ),
  forwards(
    'RFC 9110 §9.3.4: a PUT with a body crosses',
    `${request('PUT /x', 'Content-Length: 3')}abc`,
    { line: 'PUT /x HTTP/1.1', body: 'abc' },
  ),
  forwards('RFC 9110 §9.3.5: a DELETE without a body gets none', request('DELETE /x'), {
    line: 'DELETE /x HTTP/1.1',
    body: '',
  }),
  forwards(
    'RFC 9110 §9.3.7: an OPTIONS with a body crosses',
    `${request('OPTIONS /x', 'Content-Length: 3')}abc`,
    { line: 'OPTIONS /x HTTP/1.1', body: 'abc' },
  ),
  relays(
    'RFC 9110 §9.3.2: the answer to HEAD has no body, whatever its Content-Length',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    { status: 200, fields: { 'content-length': '5' } },
    { to: 'HEAD' },
  ),
  relays(
    'RFC 9110 §9.3.2: the answer to HEAD has no body, even where it says chunked',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    { status: 200 },
    { to: 'HEAD' },
  ),
  relays(
    'RFC 9110 §9.3.2: the answer to HEAD may tell no length',
    'HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n',
    { status: 200, fields: { 'x-a': 'b' } },
    { to: 'HEAD' },
  ),
  {
    name: 'RFC 9110 §9.3.2: a body that a backend sends after HEAD is never taken for an answer',
    async play(stage) {
      stage.client.send(request('HEAD /x'));
      const { wire } = await stage.backend.request();
      wire.send(response('200 OK', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'));
      await stage.client.response({ status: 200 }, 'HEAD');
      await stage.stillServes(stage.client);
    },
  },
  {
    name: 'RFC 9110 §9.2.2: a POST that a backend leaves unanswered is not sent again',
    async play({ client, backend }) {
      client.send(`${request('POST /x', 'Content-Length: 3')}abc`);
      const { wire } = await backend.request({ body: 'abc' });
      wire.end();
      await client.response({ status: 502 });
      backend.assertUntouched();
    },
  },
  {
    name: 'RFC 9110 §9.2.2: a GET whose reused connection the backend closes is sent again',
    async play(stage) {
      const { client, backend } = stage;
      const used = await stage.stillServes(client);
      client.send(request('GET /x'));
      const first = await backend.request({ line: /^GET \/x / });
      if (first.wire === used) {
        used.reset();
        const again = await backend.request({ line: /^GET \/x / });
        again.wire.send(OK);
      } else {
        first.wire.send(OK);
      }
      await client.response({ status: 200 });
    },
  },
];
