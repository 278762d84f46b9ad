import { GET, head, request } from '../../../conformance/bytes.ts';
import { type HostileMessage, requests } from '../hostile-message.ts';
import { CHUNKED, onlyChunks, onlyLength, post, SMUGGLED } from './smuggled.ts';

const N = SMUGGLED.length;
const HOST = 'Host: a.example';
const KLEIN = 'Klein, HTTP Request Smuggling in 2020';
const TREQS = 'Jabiyev et al., T-Reqs (2021)';
const GARDEN = 'Kallus et al., The HTTP Garden (2024)';

/** Line ends, NULs, blanks and field names. */
export const lines: readonly HostileMessage[] = [
  ...requests('bare LF, bare CR, NUL', [
    ['LF for all line ends', 'CVE-2019-16785 (Waitress)', 'GET /x HTTP/1.1\nHost: a.example\n\n'],
    ['LF after the request line', 'RFC 9112 §2.2', `GET /x HTTP/1.1\n${HOST}\r\n\r\n`],
    [
      'LF after a field',
      'CVE-2021-37147 (Traffic Server)',
      `GET /x HTTP/1.1\r\n${HOST}\nX-A: b\r\n\r\n`,
    ],
    ['LF for the empty line', 'RFC 9112 §2.2', `GET /x HTTP/1.1\r\n${HOST}\r\n\n`],
    [
      'a head that LF LF ends early',
      'RFC 9112 §2.2',
      `GET /x HTTP/1.1\r\n${HOST}\r\nX-A: b\n\n${SMUGGLED}`,
    ],
    [
      'a request after LF LF in a value',
      'CVE-2022-32214 (Node)',
      `GET /x HTTP/1.1\r\n${HOST}\r\nX-A: b\n\nGET /smuggled HTTP/1.1\r\nX-B: c\r\n\r\n`,
    ],
    [
      'a length after LF in a value',
      'CVE-2022-32214 (Node)',
      onlyLength(`X-A: b\nContent-Length: ${N}`),
    ],
    ['LF before the request line', 'RFC 9112 §2.2', `\n${GET}`],
    ['LF CR in place of CR LF', GARDEN, `GET /x HTTP/1.1\n\r${HOST}\n\r\n\r`],
    ['CR for all line ends', 'RFC 9112 §2.2', 'GET /x HTTP/1.1\rHost: a.example\r\r'],
    ['CR after the request line', 'RFC 9112 §2.2', `GET /x HTTP/1.1\r${HOST}\r\n\r\n`],
    [
      'a length after CR in a value',
      'CVE-2023-30589 (Node)',
      onlyLength(`X-A: b\rContent-Length: ${N}`),
    ],
    [
      'a request after CR CR in a value',
      'CVE-2023-30589 (Node)',
      `GET /x HTTP/1.1\r\n${HOST}\r\nX-A: b\r\rGET /smuggled HTTP/1.1\r\nX-B: c\r\n\r\n`,
    ],
    ['CR CR LF after a field', GARDEN, `GET /x HTTP/1.1\r\n${HOST}\r\r\nX-A: b\r\n\r\n`],
    ['CR CR LF for the empty line', GARDEN, `GET /x HTTP/1.1\r\n${HOST}\r\n\r\r\n${SMUGGLED}`],
    ['CR before the request line', GARDEN, `\r${GET}`],
    ['CR in the target', 'CVE-2023-25690 (Apache)', `GET /x\rHTTP/1.1 HTTP/1.1\r\n${HOST}\r\n\r\n`],
    ['CR in a field name', 'CVE-2018-1000164 (Gunicorn)', request('GET /x', 'X\rA: b')],
    ['NUL in the method', GARDEN, `G\0ET /x HTTP/1.1\r\n${HOST}\r\n\r\n`],
    ['NUL in the target', GARDEN, request('GET /x\0y')],
    ['NUL after the version', GARDEN, `GET /x HTTP/1.1\0\r\n${HOST}\r\n\r\n`],
    ['NUL in a field name', GARDEN, request('GET /x', 'X\0A: b')],
    ['NUL in a field value', 'RFC 9110 §5.5', request('GET /x', 'X-A: b\0c')],
    [
      'NUL in Host',
      'Chen et al., Host of Troubles (2016)',
      head('GET /x HTTP/1.1', 'Host: a.example\0.b.example'),
    ],
    ['NUL before the request line', GARDEN, `\0${GET}`],
    ['NUL for the empty line', GARDEN, `GET /x HTTP/1.1\r\n${HOST}\r\n\0\r\n\r\n`],
  ]),
  ...requests('folded lines and stray blanks', [
    ['a folded field', 'RFC 9112 §5.2', request('GET /x', 'X-A: b\r\n c')],
    ['a field folded by a tab', 'RFC 9112 §5.2', request('GET /x', 'X-A: b\r\n\tc')],
    ['a line of blanks alone', 'RFC 9112 §5.2', request('GET /x', 'X-A: b', '  ')],
    ['a line of blanks before a request', TREQS, `GET /x HTTP/1.1\r\n${HOST}\r\n \r\n${SMUGGLED}`],
    [
      'a folded Host',
      'Chen et al., Host of Troubles (2016)',
      head('GET /x HTTP/1.1', 'Host: a.example\r\n .b.example'),
    ],
    [
      'a Host that is a folded line',
      'Chen et al., Host of Troubles (2016)',
      head('GET /x HTTP/1.1', 'Host: a.example', ' Host: b.example'),
    ],
    [
      'a first field that begins with a blank',
      'CVE-2016-8743 (Apache)',
      head('GET /x HTTP/1.1', ' Host: a.example', HOST),
    ],
    [
      'a first field that begins with a tab',
      'RFC 9112 §2.2',
      head('GET /x HTTP/1.1', '\tX-A: b', HOST),
    ],
    [
      'a length that is a folded line',
      'CVE-2024-27982 (Node)',
      onlyLength('X-A: b', ` Content-Length: ${N}`),
    ],
    [
      'a folded Expect',
      'CVE-2025-32094 (Akamai)',
      `${request('OPTIONS /x', 'Expect:\r\n 100-continue', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    ['a blank before the colon of any field', 'RFC 9112 §5.1', request('GET /x', 'X-A : b')],
    [
      'a blank before the colon of Host',
      'CVE-2019-18678 (Squid)',
      head('GET /x HTTP/1.1', 'Host : a.example'),
    ],
    ['a vertical tab before the colon', TREQS, onlyLength(`Content-Length\x0b: ${N}`)],
    ['a no-break space before the colon', TREQS, onlyLength(`Content-Length\xa0: ${N}`)],
    ['two blanks in the request line', 'RFC 9112 §3', `GET  /x HTTP/1.1\r\n${HOST}\r\n\r\n`],
    ['tabs in the request line', 'CVE-2016-8743 (Apache)', `GET\t/x\tHTTP/1.1\r\n${HOST}\r\n\r\n`],
    [
      'a vertical tab in the request line',
      'CVE-2016-8743 (Apache)',
      `GET\x0b/x\x0bHTTP/1.1\r\n${HOST}\r\n\r\n`,
    ],
    ['a blank before the method', 'RFC 9112 §3', ` ${GET}`],
    ['a blank after the version', 'RFC 9112 §3', `GET /x HTTP/1.1 \r\n${HOST}\r\n\r\n`],
    ['a blank in the target', 'CVE-2013-4547 (nginx)', `GET /x y HTTP/1.1\r\n${HOST}\r\n\r\n`],
    [
      'a target that has a version in it',
      'CVE-2023-25690 (Apache)',
      `GET /x HTTP/1.1 /y HTTP/1.1\r\n${HOST}\r\n\r\n`,
    ],
    ['ten empty lines before the request', 'RFC 9112 §2.2', `${'\r\n'.repeat(10)}${GET}`],
    ['an empty line between two requests', 'RFC 9112 §2.2', `${GET}\r\n`],
  ]),
  ...requests('field names', [
    ['an empty name', 'CVE-2023-25725 (HAProxy)', request('GET /x', ': b')],
    [
      'an empty name before the length',
      'CVE-2023-25725 (HAProxy)',
      onlyLength(': b', `Content-Length: ${N}`),
    ],
    ['an empty name before the coding', 'CVE-2023-25725 (HAProxy)', onlyChunks(':', CHUNKED)],
    ['a line without a colon', 'CVE-2019-20444 (Netty)', request('GET /x', 'X-A')],
    [
      'a line without a colon before the length',
      'CVE-2019-20444 (Netty)',
      onlyLength('X-A', `Content-Length: ${N}`),
    ],
    ['a request line among the fields', TREQS, `${request('GET /x', 'GET /smuggled HTTP/1.1')}`],
    [
      'a name of 270 bytes that begins like a length',
      'CVE-2021-40346 (HAProxy)',
      onlyLength(`Content-Length0${'a'.repeat(255)}:`, `Content-Length: ${N}`),
    ],
    [
      'a name of 65,536 bytes',
      'CVE-2021-40346 (HAProxy)',
      request('GET /x', `${'a'.repeat(65_536)}: b`),
    ],
    ['a parenthesis in a name', 'RFC 9110 §5.1', request('GET /x', 'X(A): b')],
    ['a slash in a name', 'RFC 9110 §5.1', request('GET /x', 'X/A: b')],
    ['a quote in a name', 'RFC 9110 §5.1', request('GET /x', '"X-A": b')],
    [
      'a byte beyond ASCII in a name',
      'CVE-2023-38522 (Traffic Server)',
      request('GET /x', 'X-\xe4: b'),
    ],
    ['a control byte in a name', 'CVE-2021-43797 (Netty)', request('GET /x', 'X-\x01A: b')],
    ['a DEL in a name', 'CVE-2023-38522 (Traffic Server)', request('GET /x', 'X-\x7fA: b')],
    [
      'every character of a token in a name',
      'RFC 9110 §5.6.2',
      request('GET /x', "!#$%&'*+-.^_`|~: b"),
    ],
    ['a name with a blank in it', 'CVE-2019-18678 (Squid)', request('GET /x', 'X A: b')],
    [
      'a length with a byte beyond ASCII in its name',
      'CVE-2023-38522 (Traffic Server)',
      onlyLength(`Content-Length\xff: ${N}`),
    ],
    [
      'a length with a control byte in its name',
      'CVE-2021-43797 (Netty)',
      onlyLength(`\x01Content-Length: ${N}`),
    ],
    [
      'a length with a DEL in its name',
      'CVE-2021-43797 (Netty)',
      onlyLength(`Content-\x7fLength: ${N}`),
    ],
    [
      'a Host with a control byte in its name',
      'Chen et al., Host of Troubles (2016)',
      head('GET /x HTTP/1.1', HOST, '\x01Host: b.example'),
    ],
    [
      'an underscore in X-Forwarded-For',
      'RFC 9110 §5.1, WSGI (PEP 3333)',
      request('GET /x', 'X_Forwarded_For: 10.0.0.1'),
    ],
    ['a Proxy field', 'CVE-2016-5385 (httpoxy)', request('GET /x', 'Proxy: http://evil.example')],
    ['a value outside ASCII', 'RFC 9110 §5.5', request('GET /x', 'X-A: \xe4\x80\xff')],
    ['a control byte in a value', 'RFC 9110 §5.5', request('GET /x', 'X-A: b\x01c')],
    ['a colon at the end of the head', GARDEN, request('GET /x', 'X-A: b', ':')],
    ['the length as a name', KLEIN, onlyLength(`Content-Length: ${N}`, 'Content-Length abc: 0')],
    [
      'a carriage return by its name',
      KLEIN,
      post('X-A: b%0d%0aContent-Length: 5', 'Content-Length: 0'),
    ],
  ]),
];
