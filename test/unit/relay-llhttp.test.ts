import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, METHODS, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { HeadError, type RequestHead } from '../../src/relay/head.ts';
import { RequestParser } from '../../src/relay/request-parser.ts';
import { REFUSED_REQUESTS, REQUESTS } from '../support/relay-requests.ts';

/** What a parser makes of a head; undefined where it refuses it. */
type Reading = { method: string; target: string; headers: string[] } | undefined;

let server: Server;
let port: number;

before(async () => {
  server = createServer({ maxHeaderSize: 65_536, keepAlive: false }, (req, res) => {
    const { method, url: target, rawHeaders: headers } = req;
    res.setHeader('connection', 'close');
    res.end(JSON.stringify({ method, target, headers }));
  });
  server.maxHeadersCount = 0;
  // Node answers this one by itself unless it is listened for.
  server.on('checkContinue', (req, res) => server.emit('request', req, res));
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

after(() => server.close());

/** How llhttp, in Node's own server, reads a whole head. */
async function readByNode(bytes: Buffer): Promise<Reading> {
  const socket = connect(port, '127.0.0.1');
  socket.end(bytes);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  const answer = Buffer.concat(parts).toString('utf8');
  const json = /^HTTP\/1\.1 200 .*?\r\n\r\n(.*)$/s.exec(answer)?.[1];
  return json === undefined ? undefined : JSON.parse(json);
}

function readByUs(bytes: Buffer): RequestHead | undefined {
  try {
    return new RequestParser().parse(bytes);
  } catch (error) {
    if (error instanceof HeadError) return undefined;
    throw error;
  }
}

/**
 * Where the two differ on purpose: llhttp knows the methods of a list only, and no version of
 * HTTP/1 but 1.0 and 1.1, where RFC 9110 §9.1 and §2.5 say otherwise; CONNECT is no request to it.
 */
function isBeyondNode(head: RequestHead, text: string): boolean {
  return (
    !METHODS.includes(head.method) || head.method === 'CONNECT' || /^.* HTTP\/1\.[2-9]\r/.test(text)
  );
}

async function assertNodeReadsTheSame(text: string): Promise<'same' | 'refused' | 'beyond'> {
  // What follows the head is no part of the comparison.
  const head = readByUs(Buffer.from(text, 'latin1'));
  if (!head) return 'refused';
  const { lines } = head;
  if (isBeyondNode(head, lines.text.trimStart())) return 'beyond';
  const theirs = await readByNode(Buffer.from(lines.text, 'latin1'));
  const why = JSON.stringify(lines.text.slice(0, 200));
  assert.ok(theirs, `only we read ${why}`);
  assert.equal(theirs.method, head.method, why);
  const raw = / (\S+) /.exec(lines.text)?.[1];
  assert.equal(theirs.target, raw, why);
  if (raw?.startsWith('/')) assert.equal(head.target, raw, why);
  const fields: string[] = [];
  for (let line = 0; line < lines.count; line += 1)
    fields.push(lines.name(line), lines.valueAt(line));
  assert.deepEqual(theirs.headers, fields, why);
  return 'same';
}

describe('what we read, llhttp reads in the same way:', () => {
  for (const [why, text] of REQUESTS) {
    test(why, async () => {
      const outcome = await assertNodeReadsTheSame(text);
      const beyond = ['a method of its own', 'a later HTTP/1', 'CONNECT'];
      assert.equal(outcome, beyond.includes(why) ? 'beyond' : 'same');
    });
  }
});

/** What Node's server reads and we refuse, by the reason for it. */
const REFUSED_BY_US_ALONE = [
  // Two readers could tell the parts of the request line, or its beginning, apart differently.
  'a bare LF before the request',
  'a bare CR before the request',
  'more empty lines before the request than anyone sends',
  'two blanks after the method',
  'two blanks before the version',
  'HTTP/0.9 by name',
  // What the target means depends on the reader (RFC 9112 §3.2).
  'a target with a fragment',
  'an asterisk for anything but OPTIONS',
  'an address of another scheme',
  'an address without a host',
  'an address with a user part',
  'an address with a strange port',
  // Node leaves Host to its applications; RFC 9112 §3.2 asks for 400.
  'two Hosts',
  'two equal Hosts',
  'an empty Host',
  'a Host with a path',
  'a Host with a user part',
  'a Host with a blank',
  'two Hosts in one line',
  'a Host with a port too long',
  'a Host with an empty port',
  'a Host with a port that is no number',
  'a Host with two ports',
  'a Host of a port alone',
  'a Host with an open bracket',
  'a Host with an empty bracket',
  'a Host with a name in brackets',
  'a Host with something after the bracket',
  'a Host with a backslash',
  'a Host with an escape',
  'a Host outside ASCII',
  // The length of the body is in doubt; Node answers these before it looks for a body.
  'a length of 2^53',
  'a coding before chunked',
  'identity',
  'something like chunked',
  'chunked with a parameter',
  'quoted chunked',
  'chunked in HTTP/1.0',
  'a Connection that names too much',
  // Our limits are lower than those of this server.
  'a request line too long',
  'a value too large',
];

test('of what we refuse llhttp refuses the rest, with the exception of known differences', async () => {
  const differences: string[] = [];
  for (const [why, text] of REFUSED_REQUESTS) {
    if (await readByNode(Buffer.from(text, 'latin1'))) differences.push(why);
  }
  assert.deepEqual(new Set(differences), new Set(REFUSED_BY_US_ALONE));
});

test('a request with any one octet replaced is read by llhttp as by us, if we read it', async () => {
  const text =
    'POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX: y\r\nConnection: close\r\n\r\n';
  const octets = '\0\t\n\r "#,/:;09AZaz\\_\x7f\x80\xff';
  const counts = { same: 0, refused: 0, beyond: 0 };
  for (let at = 0; at < text.length; at += 1) {
    for (const octet of octets) {
      const mutated = text.slice(0, at) + octet + text.slice(at + 1);
      counts[await assertNodeReadsTheSame(mutated)] += 1;
    }
  }
  assert.ok(counts.same > 300 && counts.refused > 300, JSON.stringify(counts));
});
