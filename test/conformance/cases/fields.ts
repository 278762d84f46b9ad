import { head, request } from '../bytes.ts';
import type { ConformanceCase } from '../case.ts';
import { forwards, refuses } from '../shapes.ts';

/** The field lines of requests: Host, grammar, and what crosses unchanged. */
export const fields: readonly ConformanceCase[] = [
  refuses('RFC 9112 §3.2: a request without Host is refused', head('GET /x HTTP/1.1')),
  refuses('RFC 9112 §3.2: two Hosts are refused', request('GET /x', 'Host: b.example')),
  refuses(
    'RFC 9112 §3.2: two Hosts are refused even where they are equal',
    request('GET /x', 'Host: a.example'),
  ),
  refuses(
    'RFC 9112 §3.2: a list of Hosts is refused',
    head('GET /x HTTP/1.1', 'Host: a.example, b.example'),
  ),
  refuses(
    'RFC 9112 §3.2: a Host with a path is refused',
    head('GET /x HTTP/1.1', 'Host: a.example/b'),
  ),
  refuses(
    'RFC 9112 §3.2: a Host with a user name is refused',
    head('GET /x HTTP/1.1', 'Host: user@a.example'),
  ),
  refuses(
    'RFC 9112 §3.2: a Host with a blank is refused',
    head('GET /x HTTP/1.1', 'Host: a example'),
  ),
  forwards(
    'RFC 9110 §7.2: a Host that is an IPv6 address with a port crosses',
    head('GET /x HTTP/1.1', 'Host: [::1]:8443'),
    {
      fields: { host: '[::1]:8443' },
    },
  ),
  refuses('RFC 9112 §5: a field line without a colon is refused', request('GET /x', 'X-A')),
  refuses('RFC 9112 §5: a field without a name is refused', request('GET /x', ': b')),
  refuses('RFC 9112 §5.1: a blank before the colon is refused', request('GET /x', 'X-A : b')),
  refuses('RFC 9112 §5.1: a tab before the colon is refused', request('GET /x', 'X-A\t: b')),
  refuses('RFC 9112 §5.2: a folded field is refused', request('GET /x', 'X-A: b', ' c')),
  refuses('RFC 9112 §5.2: a field folded by a tab is refused', request('GET /x', 'X-A: b', '\tc')),
  refuses('RFC 9110 §5.1: a blank within a field name is refused', request('GET /x', 'X A: b')),
  refuses('RFC 9110 §5.1: a field name that is no token is refused', request('GET /x', 'X-(A): b')),
  refuses(
    'RFC 9110 §5.1: a control byte in a field name is refused',
    request('GET /x', 'X-\x01A: b'),
  ),
  refuses(
    'RFC 9110 §5.1: a byte beyond ASCII in a field name is refused',
    request('GET /x', 'X-\xc9: b'),
  ),
  refuses('RFC 9110 §5.5: a NUL in a field value is refused', request('GET /x', 'X-A: b\0c')),
  refuses(
    'RFC 9110 §5.5: a control byte in a field value is refused',
    request('GET /x', 'X-A: b\x01c'),
  ),
  refuses(
    'RFC 9110 §5.5: an escape byte in a field value is refused',
    request('GET /x', 'X-A: \x1b[2J'),
  ),
  refuses('RFC 9110 §5.5: a DEL in a field value is refused', request('GET /x', 'X-A: b\x7fc')),
  refuses(
    'RFC 9112 §2.2: a bare CR in a field value is refused',
    request('GET /x', 'X-A: b\rX-B: c'),
  ),
  refuses(
    'RFC 9112 §2.2: a bare LF at the end of a field line is refused',
    request('GET /x', 'X-A: b\nX-B: c'),
  ),
  refuses(
    'RFC 9112 §2.2: a bare LF as the end of a head is refused',
    'GET /x HTTP/1.1\r\nHost: a.example\r\n\n',
  ),
  forwards('RFC 9110 §5.5: a tab within a field value crosses', request('GET /x', 'X-A: b\tc'), {
    fields: { 'x-a': 'b\tc' },
  }),
  forwards(
    'RFC 9110 §5.5: bytes beyond ASCII in a field value cross',
    request('GET /x', 'X-A: caf\xe9\xff'),
    {
      fields: { 'x-a': 'caf\xe9\xff' },
    },
  ),
  forwards(
    'RFC 9110 §5.5: blanks around a field value do not count',
    request('GET /x', 'X-A: \t b c \t', 'X-B:d'),
    {
      fields: { 'x-a': 'b c', 'x-b': 'd' },
    },
  ),
  forwards('RFC 9110 §5.5: a field without a value crosses', request('GET /x', 'X-A:', 'X-B: '), {
    fields: { 'x-a': '', 'x-b': '' },
  }),
  forwards(
    'RFC 9110 §5.3: fields of one name keep their order',
    request('GET /x', 'X-A: 1', 'X-B: 2', 'x-a: 3', 'X-A: 1'),
    {
      fields: { 'x-a': ['1', '3', '1'] },
    },
  ),
  forwards(
    'RFC 9110 §5.6.2: any character of a token may be in a field name',
    request('GET /x', "X!#$%&'*+.^`|~1: b"),
    {
      fields: { "x!#$%&'*+.^`|~1": 'b' },
    },
  ),
  forwards(
    'RFC 9110 §7.7: what concerns only the two ends crosses unchanged',
    request(
      'GET /x',
      'Authorization: Basic dXNlcjpwYXNz',
      'Cookie: sessionid="a b"; csrftoken=c==',
      'Range: bytes=0-1, 5-',
      'If-None-Match: W/"a", "b"',
      'Accept-Encoding: gzip;q=1.0, br',
      'Content-Type: text/plain',
      'Origin: https://a.example',
    ),
    {
      fields: {
        authorization: 'Basic dXNlcjpwYXNz',
        cookie: 'sessionid="a b"; csrftoken=c==',
        range: 'bytes=0-1, 5-',
        'if-none-match': 'W/"a", "b"',
        'accept-encoding': 'gzip;q=1.0, br',
        'content-type': 'text/plain',
        origin: 'https://a.example',
      },
    },
  ),
];
