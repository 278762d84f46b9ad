import { chunked, head } from '../../../conformance/bytes.ts';
import { type HostileMessage, requests } from '../hostile-message.ts';
import { CHUNKED, chunksHide, lengthHides, onlyChunks, SMUGGLED } from './smuggled.ts';

const KETTLE = 'Kettle, HTTP Desync Attacks (2019)';
const RFC = 'RFC 9112 §6.1';

/** Ways to write Transfer-Encoding that one reader knows and another does not. */
const DISGUISES: readonly (readonly [how: string, source: string, ...fields: string[]])[] = [
  ['a blank before the colon', 'CVE-2019-16869 (Netty)', 'Transfer-Encoding : chunked'],
  ['a tab before the colon', KETTLE, 'Transfer-Encoding\t: chunked'],
  ['a vertical tab before the value', 'CVE-2019-18277 (HAProxy)', 'Transfer-Encoding: \x0bchunked'],
  ['a form feed before the value', KETTLE, 'Transfer-Encoding: \x0cchunked'],
  ['a control byte before the value', KETTLE, 'Transfer-Encoding: \x01chunked'],
  ['a no-break space before the value', KETTLE, 'Transfer-Encoding: \xa0chunked'],
  ['a byte beyond ASCII before the value', KETTLE, 'Transfer-Encoding: \xffchunked'],
  ['a DEL after the value', KETTLE, 'Transfer-Encoding: chunked\x7f'],
  ['a vertical tab after the value', KETTLE, 'Transfer-Encoding: chunked\x0b'],
  ['a tab before the value', KETTLE, 'Transfer-Encoding:\tchunked'],
  ['blanks after the value', KETTLE, 'Transfer-Encoding: chunked \t '],
  ['no blank after the colon', KETTLE, 'Transfer-Encoding:chunked'],
  ['double quotes', KETTLE, 'Transfer-Encoding: "chunked"'],
  ['single quotes', KETTLE, "Transfer-Encoding: 'chunked'"],
  ['letters of both cases', 'RFC 9112 §7', 'Transfer-Encoding: cHuNkEd'],
  ['letters of both cases in the name', 'RFC 9110 §5.1', 'tRANSFER-eNCODING: chunked'],
  ['identity before it', 'CVE-2021-33037 (Tomcat)', 'Transfer-Encoding: identity, chunked'],
  ['identity after it', 'CVE-2021-33037 (Tomcat)', 'Transfer-Encoding: chunked, identity'],
  ['identity in a field before it', KETTLE, 'Transfer-Encoding: identity', CHUNKED],
  ['identity in a field after it', KETTLE, CHUNKED, 'Transfer-Encoding: identity'],
  ['an unknown coding before it', 'CVE-2019-16786 (Waitress)', 'Transfer-Encoding: cow, chunked'],
  ['an unknown coding after it', 'CVE-2022-1705 (Go)', 'Transfer-Encoding: chunked, cow'],
  ['two fields that say chunked', 'CVE-2020-8287 (Node)', CHUNKED, CHUNKED],
  ['a field that says cow after it', 'CVE-2020-8287 (Node)', CHUNKED, 'Transfer-Encoding: cow'],
  ['chunked twice in one list', RFC, 'Transfer-Encoding: chunked, chunked'],
  ['chunked written twice', 'CVE-2022-32213 (Node)', 'Transfer-Encoding: chunkedchunked'],
  ['a comma before it', 'RFC 9110 §5.6.1', 'Transfer-Encoding: ,chunked'],
  ['a comma after it', 'RFC 9110 §5.6.1', 'Transfer-Encoding: chunked,'],
  ['a parameter', 'RFC 9112 §7', 'Transfer-Encoding: chunked;q=1'],
  ['a quality of nought', 'RFC 9110 §10.1.4', 'Transfer-Encoding: chunked;q=0'],
  ['a letter before it', KETTLE, 'Transfer-Encoding: xchunked'],
  ['a letter after it', KETTLE, 'Transfer-Encoding: chunkedx'],
  ['a word before it', KETTLE, 'Transfer-Encoding: x chunked'],
  ['an underscore in the name', KETTLE, 'Transfer_Encoding: chunked'],
  ['a letter missing in the name', KETTLE, 'Transfer-Encodin: chunked'],
  ['a blank in the name', KETTLE, 'Transfer Encoding: chunked'],
  ['a backslash in the name', KETTLE, 'Transfer\\-Encoding: chunked'],
  ['a NUL in the name', KETTLE, 'Transfer-\0Encoding: chunked'],
  ['a NUL at the end of the name', KETTLE, 'Transfer-Encoding\0: chunked'],
  ['a NUL at the end of the value', KETTLE, 'Transfer-Encoding: chunked\0'],
  ['a byte beyond ASCII in the name', KETTLE, 'Transfer-Encoding\xff: chunked'],
  ['a control byte before the name', 'CVE-2021-43797 (Netty)', '\x01Transfer-Encoding: chunked'],
  ['a blank before the name', 'CVE-2024-27982 (Node)', ' Transfer-Encoding: chunked'],
  ['a tab before the name', KETTLE, '\tTransfer-Encoding: chunked'],
  ['a field before it that it folds on', KETTLE, 'X-A: b', ' Transfer-Encoding: chunked'],
  ['a value on a folded line', 'CVE-2020-7238 (Netty)', 'Transfer-Encoding:\r\n chunked'],
  [
    'a folded line after the value',
    'CVE-2022-32215 (Node)',
    'Transfer-Encoding: chunked\r\n , identity',
  ],
  ['a bare LF before the name', 'CVE-2022-32214 (Node)', 'X-A: b\nTransfer-Encoding: chunked'],
  ['a bare CR before the name', 'CVE-2023-30589 (Node)', 'X-A: b\rTransfer-Encoding: chunked'],
  ['a bare CR after the value', 'CVE-2020-1935 (Tomcat)', 'Transfer-Encoding: chunked\rX: y'],
  ['a bare LF before the value', KETTLE, 'Transfer-Encoding:\n chunked'],
  ['a bare CR for the hyphen', 'CVE-2020-8201 (Node)', 'Transfer\rEncoding: chunked'],
  ['an equals sign for the colon', KETTLE, 'Transfer-Encoding= chunked'],
  ['a second colon', KETTLE, 'Transfer-Encoding:: chunked'],
  ['no value', RFC, 'Transfer-Encoding:'],
  ['an escape in the value', KETTLE, 'Transfer-Encoding: %63hunked'],
  ['a coded word', KETTLE, 'Transfer-Encoding: =?iso-8859-1?B?Y2h1bmtlZA==?='],
  [
    'a Connection that names it',
    'Davison, hop-by-hop headers (2019)',
    CHUNKED,
    'Connection: Transfer-Encoding',
  ],
];

export const transferEncoding: readonly HostileMessage[] = [
  ...requests('Content-Length against Transfer-Encoding', [
    ['the length first, hiding a request', 'RFC 9112 §6.3', lengthHides(CHUNKED)],
    ['the length first, chunks hiding a request', 'RFC 9112 §6.3', chunksHide(CHUNKED)],
    [
      'a length of nought and chunks',
      'Kettle, HTTP Desync Attacks (2019)',
      onlyChunks('Content-Length: 0', CHUNKED),
    ],
    [
      'chunks and a length behind them',
      'Linhart et al., HTTP Request Smuggling (2005)',
      onlyChunks(CHUNKED, 'Content-Length: 3'),
    ],
    [
      'a length that fits the chunks',
      'RFC 9112 §6.3',
      `${head('POST /x HTTP/1.1', 'Host: a.example', CHUNKED, 'Content-Length: 13')}${chunked('abc')}`,
    ],
    [
      'the length in HTTP/1.0',
      'CVE-2021-33037 (Tomcat)',
      lengthHides(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0'),
    ],
    [
      'chunks alone in HTTP/1.0',
      'RFC 9112 §6.1',
      onlyChunks(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0'),
    ],
    [
      'a GET with both',
      'Kettle, HTTP Desync Attacks (2019)',
      lengthHides(CHUNKED).replace('POST', 'GET'),
    ],
    [
      'a Connection that names the length',
      'Davison, hop-by-hop headers (2019)',
      lengthHides(CHUNKED, 'Connection: Content-Length'),
    ],
    [
      'a Connection that names the length alone',
      'Davison, hop-by-hop headers (2019)',
      `${head('POST /x HTTP/1.1', 'Host: a.example', 'Connection: content-length', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
    ],
    ...DISGUISES.map(
      ([how, source, ...fields]) =>
        [`the length beside chunked with ${how}`, source, lengthHides(...fields)] as const,
    ),
  ]),
  ...requests('Transfer-Encoding in disguise', [
    ...DISGUISES.map(
      ([how, source, ...fields]) => [`chunked with ${how}`, source, onlyChunks(...fields)] as const,
    ),
    ['gzip alone', RFC, onlyChunks('Transfer-Encoding: gzip')],
    ['gzip under chunked', RFC, onlyChunks('Transfer-Encoding: gzip, chunked')],
    ['compress in a field before it', RFC, onlyChunks('Transfer-Encoding: compress', CHUNKED)],
    ['TE in place of Transfer-Encoding', 'RFC 9110 §10.1.4', onlyChunks('TE: chunked')],
    ['Content-Encoding in place of it', KETTLE, onlyChunks('Content-Encoding: chunked')],
  ]),
];
