import { GET, head, OK, request } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { forwards, refuses } from '../shapes.ts';

const HOST = 'Host: a.example';

/** The request line: its grammar, its version, and the target in all its forms. */
export const requestLine: readonly ConformanceCase[] = [
  refuses(
    'RFC 9112 §2.2: a bare LF at the end of the request line is refused',
    `GET /x HTTP/1.1\n${HOST}\r\n\r\n`,
  ),
  refuses(
    'RFC 9112 §2.2: a bare CR within the request line is refused',
    head('GET /x\r HTTP/1.1', HOST),
  ),
  refuses(
    'RFC 9112 §2.2: blanks between the request line and the first field are refused',
    head('GET /x HTTP/1.1', ` ${HOST}`),
  ),
  forwards('RFC 9112 §2.2: an empty line before the request line is ignored', `\r\n${GET}`, {
    line: /^GET \/x HTTP/,
  }),
  refuses(
    'RFC 9112 §2.2: an empty line of a bare LF before the request line is refused',
    `\n${GET}`,
  ),
  refuses('RFC 9112 §2.3: a request of HTTP/0.9 is refused', 'GET /x\r\n\r\n'),
  refuses(
    'RFC 9112 §2.3: the name of the protocol in lower case is refused',
    head('GET /x http/1.1', HOST),
  ),
  refuses('RFC 9112 §2.3: a version of two digits is refused', head('GET /x HTTP/1.10', HOST)),
  refuses(
    'RFC 9112 §2.3: a version without its minor number is refused',
    head('GET /x HTTP/1', HOST),
  ),
  refuses('RFC 9110 §15.6.6: another major version is refused', head('GET /x HTTP/3.0', HOST), {
    status: 505,
  }),
  {
    name: 'RFC 9110 §2.5: a higher minor version is served as HTTP/1.1',
    async play(stage) {
      stage.client.send(head('GET /x HTTP/1.7', HOST));
      const { wire } = await stage.backend.request({ line: 'GET /x HTTP/1.1' });
      wire.send(OK);
      await stage.client.response({ status: 200, line: /^HTTP\/1\.1 / });
      await stage.stillServes(stage.client);
    },
  },
  refuses('RFC 9112 §3: two blanks after the method are refused', head('GET  /x HTTP/1.1', HOST)),
  refuses('RFC 9112 §3: two blanks after the target are refused', head('GET /x  HTTP/1.1', HOST)),
  refuses('RFC 9112 §3: tabs in place of blanks are refused', head('GET\t/x\tHTTP/1.1', HOST)),
  refuses('RFC 9112 §3: a blank before the method is refused', head(' GET /x HTTP/1.1', HOST)),
  refuses('RFC 9112 §3: a blank after the version is refused', head('GET /x HTTP/1.1 ', HOST)),
  refuses('RFC 9112 §3.1: a method that is no token is refused', head('GE(T /x HTTP/1.1', HOST)),
  refuses('RFC 9112 §3.1: an empty method is refused', head('/x HTTP/1.1', HOST)),
  refuses('RFC 9112 §3.2: a blank within the target is refused', head('GET /a b HTTP/1.1', HOST)),
  refuses('RFC 9112 §3.2: a NUL in the target is refused', head('GET /a\0b HTTP/1.1', HOST)),
  refuses(
    'RFC 9112 §3.2: a control byte in the target is refused',
    head('GET /a\x01b HTTP/1.1', HOST),
  ),
  refuses('RFC 9112 §3.2: a DEL in the target is refused', head('GET /a\x7fb HTTP/1.1', HOST)),
  refuses(
    'RFC 9112 §3.2: a byte beyond ASCII in the target is refused',
    head('GET /caf\xe9 HTTP/1.1', HOST),
  ),
  refuses(
    'RFC 9112 §3.2.1: a fragment in the target is refused',
    head('GET /x#top HTTP/1.1', HOST),
  ),
  refuses(
    'RFC 9112 §3.2.1: a target that does not begin with a slash is refused',
    head('GET x HTTP/1.1', HOST),
  ),
  forwards(
    'RFC 9112 §3.2.1: escapes in the path cross as they are',
    request('GET /a%2Fb%2e%2E/%00?c=%0d%0A'),
    {
      line: 'GET /a%2Fb%2e%2E/%00?c=%0d%0A HTTP/1.1',
    },
  ),
  forwards(
    'RFC 9112 §3.2.1: dots and doubled slashes in the path cross as they are',
    request('GET /a/../b//c/./?'),
    {
      line: 'GET /a/../b//c/./? HTTP/1.1',
    },
  ),
  forwards(
    'RFC 9112 §3.2.2: an absolute target wins over the Host field',
    head('GET http://a.example:8443/x?y HTTP/1.1', 'Host: b.example'),
    {
      line: 'GET /x?y HTTP/1.1',
      fields: { host: 'a.example:8443' },
    },
  ),
  forwards(
    'RFC 9112 §3.2.1: the path of an absolute target without one is a slash',
    head('GET http://a.example HTTP/1.1', HOST),
    {
      line: 'GET / HTTP/1.1',
    },
  ),
  forwards(
    'RFC 9112 §3.2.1: an absolute target of authority and query gets its slash',
    head('GET http://a.example?q=1 HTTP/1.1', HOST),
    {
      line: 'GET /?q=1 HTTP/1.1',
    },
  ),
  forwards(
    'RFC 9110 §4.2.3: the scheme of an absolute target is read in any letter case',
    head('GET HTTP://a.example/x HTTP/1.1', HOST),
    {
      line: 'GET /x HTTP/1.1',
      fields: { host: 'a.example' },
    },
  ),
  refuses(
    'RFC 9110 §4.2.4: a user name in an absolute target is refused',
    head('GET http://user:pass@a.example/x HTTP/1.1', HOST),
  ),
  refuses(
    'RFC 9110 §4.2.1: an absolute target without a host is refused',
    head('GET http:///x HTTP/1.1', HOST),
  ),
  refuses(
    'RFC 9112 §3.2.2: an absolute target does not make up for a missing Host',
    head('GET http://a.example/x HTTP/1.1'),
  ),
  refuses(
    'RFC 9112 §3.2.3: CONNECT is refused',
    head('CONNECT a.example:443 HTTP/1.1', 'Host: a.example:443'),
    { status: [400, 405, 501] },
  ),
  forwards('RFC 9112 §3.2.4: OPTIONS * crosses', request('OPTIONS *'), {
    line: 'OPTIONS * HTTP/1.1',
  }),
  forwards(
    'RFC 9112 §3.2.4: OPTIONS for a bare authority becomes OPTIONS *',
    head('OPTIONS http://a.example HTTP/1.1', HOST),
    {
      line: 'OPTIONS * HTTP/1.1',
    },
  ),
  refuses('RFC 9112 §3.2.4: an asterisk is refused for any other method', request('GET *')),
];
