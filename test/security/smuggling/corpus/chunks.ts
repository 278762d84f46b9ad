import { type HostileMessage, requests } from '../hostile-message.ts';
import { CHUNKED, post, SMUGGLED } from './smuggled.ts';

const N = SMUGGLED.length.toString(16);
const FUNKY = 'Weikop, Funky Chunks (2025)';
const GARDEN = 'Kallus et al., The HTTP Garden (2024)';
const chunks = (body: string) => `${post(CHUNKED)}${body}`;
/** One chunk whose size is written so, then the last one. */
const sized = (size: string) => chunks(`${size}\r\n${SMUGGLED}\r\n0\r\n\r\n`);
/** A request that begins where a reader with another idea of the line's end takes the chunk to begin. */
const extended = (extension: string) =>
  chunks(`2;${extension}\r\nxx\r\n${N}\r\n${SMUGGLED}\r\n0\r\n\r\n`);

export const chunkedBodies: readonly HostileMessage[] = [
  ...requests('chunk sizes', [
    ['0x before it', 'CVE-2024-21647 (Puma)', sized(`0x${N}`)],
    ['0X before nought', 'RFC 9112 §7.1', chunks(`0X0\r\n\r\n${SMUGGLED}`)],
    ['a plus sign', 'CVE-2022-24761 (Waitress)', sized(`+${N}`)],
    ['a minus sign', 'CVE-2013-2028 (nginx)', sized(`-${N}`)],
    ['minus nought', 'CVE-2013-2028 (nginx)', chunks(`-0\r\n\r\n${SMUGGLED}`)],
    ['a blank before it', 'CVE-2015-3183 (Apache)', sized(` ${N}`)],
    ['a blank after it', 'RFC 9112 §7.1.1', sized(`${N} `)],
    ['a tab after it', 'RFC 9112 §7.1.1', sized(`${N}\t`)],
    ['a blank between its digits', 'CVE-2015-3183 (Apache)', sized('2 d')],
    ['a letter after it', 'CVE-2022-24761 (Waitress)', sized(`${N}x`)],
    ['an h after it', GARDEN, sized(`${N}h`)],
    ['an underscore between its digits', 'CVE-2022-24761 (Waitress)', sized('2_d')],
    ['a dot', GARDEN, sized(`${N}.0`)],
    ['double quotes', GARDEN, sized(`"${N}"`)],
    ['a NUL after it', GARDEN, sized(`${N}\0`)],
    ['a NUL before it', GARDEN, sized(`\0${N}`)],
    ['a control byte after it', GARDEN, sized(`${N}\x0b`)],
    ['an empty size', 'RFC 9112 §7.1', sized('')],
    ['an extension without a size', 'RFC 9112 §7.1', sized(';a')],
    ['beyond 32 bits', 'CVE-2017-7657 (Jetty)', sized(`1${N.padStart(8, '0')}`)],
    ['beyond 64 bits', 'CVE-2014-0075 (Tomcat)', sized(`1${N.padStart(16, '0')}`)],
    ['the largest of 64 bits', 'CVE-2002-0392 (Apache)', sized('ffffffffffffffff')],
    ['the largest of 63 bits', 'CVE-2014-0075 (Tomcat)', sized('7fffffffffffffff')],
    ['the largest of 32 bits', 'CVE-2002-0392 (Apache)', sized('ffffffff')],
    ['beyond 53 bits', GARDEN, sized('20000000000001')],
    ['noughts before it', 'RFC 9112 §7.1', sized(N.padStart(8, '0'))],
    ['more noughts than 64 bits have', GARDEN, sized(N.padStart(40, '0'))],
    ['ten thousand noughts', 'CVE-2015-3183 (Apache)', sized(N.padStart(10_000, '0'))],
    ['nought in three digits', 'RFC 9112 §7.1', chunks(`000\r\n\r\n${SMUGGLED}`)],
    [
      'nought beyond 64 bits',
      'CVE-2014-0075 (Tomcat)',
      chunks(`10000000000000000\r\n\r\n${SMUGGLED}`),
    ],
    [
      'a size that is larger than its chunk',
      'RFC 9112 §7.1',
      chunks(`5\r\nabc\r\n0\r\n\r\n${SMUGGLED}`),
    ],
    [
      'a size that is smaller than its chunk',
      'RFC 9112 §7.1',
      chunks(`2\r\nabc\r\n0\r\n\r\n${SMUGGLED}`),
    ],
    ['a digit beyond ASCII', GARDEN, sized('\xb2')],
    [
      'letters of both cases',
      'RFC 9112 §7.1',
      chunks('aA\r\n'.concat('b'.repeat(0xaa), '\r\n0\r\n\r\n')),
    ],
  ]),
  ...requests('chunk extensions, ends and trailers', [
    ['an extension', 'RFC 9112 §7.1.1', extended('a=b')],
    ['an extension in quotes', 'RFC 9112 §7.1.1', extended('a="b;c"')],
    ['an extension that is none', 'CVE-2021-22960 (Node)', extended(';;=,')],
    ['an open quote', FUNKY, extended('a="b')],
    ['a blank before the semicolon', 'RFC 9112 §7.1.1', chunks('3 ;a\r\nabc\r\n0\r\n\r\n')],
    ['an extension that looks like a request', FUNKY, extended('GET /smuggled HTTP/1.1')],
    [
      'a bare LF in an extension',
      'CVE-2025-58056 (Netty)',
      chunks(`2;\nxx\r\n${N}\r\n0\r\n\r\n${SMUGGLED}`),
    ],
    [
      'a bare LF in an extension, and a chunk behind it',
      'CVE-2025-55315 (Kestrel)',
      extended(`a\nxx\r\n0\r\n\r\n`),
    ],
    ['a bare CR in an extension', FUNKY, extended('a\rb')],
    ['a bare CR in an extension in quotes', FUNKY, extended('a="\r"')],
    ['CR LF in an extension in quotes', 'CVE-2024-52304 (aiohttp)', extended('a="\r\n"')],
    ['a NUL in an extension', FUNKY, extended('a\0b')],
    ['a byte beyond ASCII in an extension', FUNKY, extended('a=\xff')],
    ['an extension of 5,000 bytes', 'CVE-2023-39326 (Go)', extended('a'.repeat(5_000))],
    ['an extension of the last chunk', 'RFC 9112 §7.1.1', chunks('3\r\nabc\r\n0;a=b\r\n\r\n')],
    [
      'a bare LF in an extension of the last chunk',
      'CVE-2025-58056 (Netty)',
      chunks(`3\r\nabc\r\n0;a\n\r\n\r\n${SMUGGLED}`),
    ],
    [
      'a size that ends in a bare LF',
      'CVE-2025-22871 (Go)',
      chunks(`${N}\n${SMUGGLED}\r\n0\r\n\r\n`),
    ],
    [
      'a size that ends in a bare CR',
      'CVE-2023-46846 (Squid)',
      chunks(`${N}\r${SMUGGLED}\r\n0\r\n\r\n`),
    ],
    ['a size that ends in CR CR LF', FUNKY, chunks(`${N}\r\r\n${SMUGGLED}\r\n0\r\n\r\n`)],
    ['a size that ends in LF CR', FUNKY, chunks(`${N}\n\r${SMUGGLED}\r\n0\r\n\r\n`)],
    ['a chunk that ends in a bare LF', 'CVE-2025-43859 (h11)', chunks('3\r\nabc\n0\r\n\r\n')],
    ['a chunk that ends in a bare CR', FUNKY, chunks('3\r\nabc\r0\r\n\r\n')],
    [
      'a chunk that ends in any two bytes',
      'CVE-2025-43859 (h11)',
      chunks(`3\r\nabcXX0\r\n\r\n${SMUGGLED}`),
    ],
    [
      'a chunk that ends in two digits',
      'CVE-2025-43859 (h11)',
      chunks(`5\r\nAAAAAXX2\r\n45\r\n0\r\n\r\n`),
    ],
    ['a chunk that ends in nothing', FUNKY, chunks('3\r\nabc0\r\n\r\n')],
    ['a chunk that ends in CR LF CR LF', FUNKY, chunks(`3\r\nabc\r\n\r\n0\r\n\r\n`)],
    ['a last chunk that ends in a bare LF', FUNKY, chunks('3\r\nabc\r\n0\n\n')],
    ['a last chunk with a bare LF behind it', FUNKY, chunks('3\r\nabc\r\n0\r\n\n')],
    ['no last chunk', 'RFC 9112 §8', chunks(`3\r\nabc\r\n${SMUGGLED}`)],
    ['a trailer', 'RFC 9112 §7.1.2', chunks('3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n')],
    [
      'a Content-Length in the trailers',
      'CVE-2025-53643 (aiohttp)',
      chunks('3\r\nabc\r\n0\r\nContent-Length: 50\r\n\r\n'),
    ],
    [
      'a Transfer-Encoding in the trailers',
      'RFC 9110 §6.5.1',
      chunks(`3\r\nabc\r\n0\r\n${CHUNKED}\r\n\r\n`),
    ],
    [
      'a Host in the trailers',
      'RFC 9110 §6.5.1',
      chunks('3\r\nabc\r\n0\r\nHost: b.example\r\n\r\n'),
    ],
    [
      'an Authorization in the trailers',
      'RFC 9110 §6.5.1',
      chunks('3\r\nabc\r\n0\r\nAuthorization: x\r\n\r\n'),
    ],
    [
      'a request in the trailers',
      'CVE-2024-35161 (Traffic Server)',
      chunks(`3\r\nabc\r\n0\r\n${SMUGGLED}`),
    ],
    ['a folded trailer', 'RFC 9112 §5.2', chunks('3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n')],
    ['a trailer with a bare LF', FUNKY, chunks(`3\r\nabc\r\n0\r\nX: y\n\r\n${SMUGGLED}`)],
    [
      'a trailer that ends twice in a bare LF',
      FUNKY,
      chunks(`3\r\nabc\r\n0\r\nX: y\n\n${SMUGGLED}\r\n`),
    ],
    [
      'a trailer with a bare CR',
      'CVE-2020-1935 (Tomcat)',
      chunks('3\r\nabc\r\n0\r\nX: y\rZ: 1\r\n\r\n'),
    ],
    [
      'a trailer of 9,000 bytes',
      'CVE-2023-46589 (Tomcat)',
      chunks(`3\r\nabc\r\n0\r\nX: ${'y'.repeat(9_000)}\r\n\r\n`),
    ],
    ['a trailer without a colon', 'CVE-2023-40175 (Puma)', chunks('3\r\nabc\r\n0\r\nX\r\n\r\n')],
    [
      'a hundred trailers',
      'CVE-2023-46589 (Tomcat)',
      chunks(`3\r\nabc\r\n0\r\n${'X: y\r\n'.repeat(100)}\r\n`),
    ],
  ]),
];
