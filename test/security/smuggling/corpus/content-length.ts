import { request } from '../../../conformance/bytes.ts';
import { type HostileMessage, requests } from '../hostile-message.ts';
import { onlyLength, post, SMUGGLED } from './smuggled.ts';

const N = SMUGGLED.length;
const RFC = 'RFC 9110 §8.6';
const GARDEN = 'Kallus et al., The HTTP Garden (2024)';
const cl = (value: string) => onlyLength(`Content-Length: ${value}`);

export const contentLength: readonly HostileMessage[] = requests(
  'Content-Length malformed or repeated',
  [
    [
      'two lengths, the first nought',
      'CVE-2005-2090 (Tomcat)',
      onlyLength('Content-Length: 0', `Content-Length: ${N}`),
    ],
    [
      'two lengths, the last nought',
      'CVE-2017-7658 (Jetty)',
      onlyLength(`Content-Length: ${N}`, 'Content-Length: 0'),
    ],
    [
      'two equal lengths',
      'RFC 9112 §6.3',
      onlyLength(`Content-Length: ${N}`, `Content-Length: ${N}`),
    ],
    [
      'three lengths',
      'CVE-2019-16792 (Waitress)',
      onlyLength('Content-Length: 1', `Content-Length: ${N}`, 'Content-Length: 2'),
    ],
    [
      'two lengths in two letter cases',
      'CVE-2019-16792 (Waitress)',
      onlyLength('content-length: 0', `CONTENT-LENGTH: ${N}`),
    ],
    ['a list of equal lengths', 'RFC 9110 §8.6', cl(`${N}, ${N}`)],
    ['a list of two lengths', 'RFC 9110 §8.6', cl(`0, ${N}`)],
    ['a list with an empty element', 'RFC 9110 §5.6.1', cl(`,${N}`)],
    ['a list that ends in a comma', 'RFC 9110 §5.6.1', cl(`${N},`)],
    ['an empty length', 'CVE-2023-40225 (HAProxy)', cl('')],
    [
      'an empty length before a length',
      'CVE-2023-40175 (Puma)',
      onlyLength('Content-Length:', `Content-Length: ${N}`),
    ],
    ['a length of blanks', 'CVE-2023-40225 (HAProxy)', cl(' \t ')],
    ['a plus sign', 'CVE-2023-40167 (Jetty)', cl(`+${N}`)],
    ['a minus sign', RFC, cl(`-${N}`)],
    ['minus nought', RFC, cl('-0')],
    ['two signs', GARDEN, cl(`+-${N}`)],
    ['hexadecimal', GARDEN, cl(`0x${N.toString(16)}`)],
    ['hexadecimal without its prefix', GARDEN, cl('2f')],
    ['octal by prefix', GARDEN, cl(`0o${N.toString(8)}`)],
    ['a nought before it, octal to strtol', GARDEN, cl(`0${N}`)],
    ['many noughts before it', GARDEN, cl(`${'0'.repeat(30)}${N}`)],
    ['an underscore between digits', 'CVE-2023-47627 (aiohttp)', cl('4_5')],
    ['a fraction', RFC, cl(`${N}.0`)],
    ['an exponent', GARDEN, cl('4e1')],
    ['a blank between digits', 'CVE-2018-7159 (Node)', cl('4 5')],
    ['a tab between digits', 'CVE-2018-7159 (Node)', cl('4\t5')],
    ['a letter after it', 'CVE-2022-42252 (Tomcat)', cl(`${N}a`)],
    ['a letter before it', 'CVE-2022-42252 (Tomcat)', cl(`a${N}`)],
    ['a parameter', GARDEN, cl(`${N};a=b`)],
    ['double quotes', GARDEN, cl(`"${N}"`)],
    ['a NUL after it', GARDEN, cl(`${N}\0`)],
    ['a NUL before it', GARDEN, cl(`\0${N}`)],
    ['a vertical tab before it', GARDEN, cl(`\x0b${N}`)],
    ['a form feed after it', GARDEN, cl(`${N}\x0c`)],
    ['a no-break space before it', GARDEN, cl(`\xa0${N}`)],
    ['digits beyond ASCII', 'CVE-2023-47627 (aiohttp)', cl('\xb3\xb2')],
    ['a bare CR after it', 'CVE-2023-30589 (Node)', cl(`${N}\rX: y`)],
    ['beyond 32 bits', 'CVE-2014-0099 (Tomcat)', cl(`${2 ** 32 + N}`)],
    ['beyond 53 bits', GARDEN, cl('9007199254740993')],
    ['beyond 64 bits', 'CVE-2014-0099 (Tomcat)', cl(`${2n ** 64n + BigInt(N)}`)],
    ['the largest of 63 bits', GARDEN, cl('9223372036854775807')],
    ['a thousand digits', GARDEN, cl('9'.repeat(1000))],
    ['a blank before the colon', 'CVE-2021-22959 (Node)', onlyLength(`Content-Length : ${N}`)],
    ['a blank before the name', 'CVE-2024-27982 (Node)', onlyLength(` Content-Length: ${N}`)],
    [
      'a blank within the name',
      'CVE-2018-8004 (Traffic Server)',
      onlyLength(`Content -Length: ${N}`),
    ],
    [
      'an underscore in the name',
      'Kettle, HTTP Desync Attacks (2019)',
      onlyLength(`Content_Length: ${N}`),
    ],
    ['a folded value', 'RFC 9112 §5.2', onlyLength(`Content-Length:\r\n ${N}`)],
    [
      'a value that goes on on a folded line',
      'RFC 9112 §5.2',
      onlyLength('Content-Length: 4\r\n 5'),
    ],
    ['a bare CR for the hyphen', 'CVE-2020-8201 (Node)', onlyLength(`Content\rLength: ${N}`)],
    ['a second colon', GARDEN, onlyLength(`Content-Length:: ${N}`)],
    [
      'a GET with a body',
      'Kettle, Browser-Powered Desync Attacks (2022)',
      `${request('GET /x', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'a HEAD with a body',
      'Kettle, Browser-Powered Desync Attacks (2022)',
      `${request('HEAD /x', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'an OPTIONS with a body',
      'CVE-2025-54142 (Akamai)',
      `${request('OPTIONS /x', `Content-Length: ${N}`)}${SMUGGLED}`,
    ],
    [
      'a body shorter than its length',
      'Linhart et al., HTTP Request Smuggling (2005)',
      `${post('Content-Length: 500')}abc`,
    ],
    [
      'a body longer than its length',
      'Linhart et al., HTTP Request Smuggling (2005)',
      `${post('Content-Length: 3')}abcdef`,
    ],
  ],
);
