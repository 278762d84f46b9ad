import { setTimeout as delay } from 'node:timers/promises';
import type { Leaving } from '../support/tls-client.ts';
import type { Client } from './client.ts';

/** One kind of request: what a client does, and what has to come of it. */
export interface RequestKind {
  readonly name: string;
  /** How often it is asked, in relation to the others. */
  readonly weight: number;
  /** @throws Error that says what came instead of what should have. */
  readonly run: (client: Client, random: () => number) => Promise<void>;
}

const PAGE_BYTES = 1_024;
const SMALL_BODY = 'u'.repeat(300);
const LONGEST_WAIT_MS = 40;

/** What the soak asks; the origin's side of it is in origin.ts. */
export const REQUEST_KINDS: readonly RequestKind[] = [
  {
    name: 'GET',
    weight: 570,
    run: (client) => ask(client, head('GET', '/page'), 'GET', PAGE_BYTES),
  },
  { name: 'HEAD', weight: 80, run: (client) => ask(client, head('HEAD', '/page'), 'HEAD', 0) },
  {
    name: '304',
    weight: 80,
    run: (client) => ask(client, head('GET', '/page', 'If-None-Match: "soak"'), 'GET', 0, 304),
  },
  {
    name: 'chunked',
    weight: 100,
    run: (client) => ask(client, head('GET', '/chunked'), 'GET', 500),
  },
  {
    name: 'until close',
    weight: 5,
    run: (client) => ask(client, head('GET', '/until-close'), 'GET', PAGE_BYTES),
  },
  {
    name: 'POST',
    weight: 100,
    run: (client) => {
      const request = head('POST', '/upload', `Content-Length: ${SMALL_BODY.length}`) + SMALL_BODY;
      return ask(client, request, 'POST', String(SMALL_BODY.length).length);
    },
  },
  {
    name: 'chunked POST',
    weight: 40,
    run: (client) => {
      const chunk = `${SMALL_BODY.length.toString(16)}\r\n${SMALL_BODY}\r\n`;
      const request = `${head('POST', '/upload', 'Transfer-Encoding: chunked')}${chunk}${chunk}0\r\n\r\n`;
      return ask(client, request, 'POST', String(2 * SMALL_BODY.length).length);
    },
  },
  {
    name: 'last of its connection',
    weight: 5,
    run: (client) => ask(client, head('GET', '/page', 'Connection: close'), 'GET', PAGE_BYTES),
  },
  { name: 'answer broken off', weight: 2, run: breaksOff },
  { name: 'no answer', weight: 2, run: isRefused },
  { name: 'client leaves its body', weight: 2, run: leavesBody },
  { name: 'client leaves waiting', weight: 2, run: leavesWaiting },
  { name: 'client leaves its answer', weight: 2, run: leavesAnswer },
  { name: 'client leaves its head', weight: 2, run: leavesHead },
];

function head(method: string, path: string, ...fields: readonly string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, 'Host: soak.example', ...fields].join('\r\n')}\r\n\r\n`;
}

async function ask(client: Client, request: string, method: string, bytes: number, status = 200) {
  const answer = await client.ask(request, method);
  if (answer?.status === status && answer.bodyBytes === bytes) return;
  const came = answer ? `${answer.status} of ${answer.bodyBytes} bytes` : 'the connection ended';
  throw new Error(`${request.split('\r\n', 1)[0]}: ${came} where ${status} of ${bytes} was due`);
}

async function breaksOff(client: Client): Promise<void> {
  const answer = await client.ask(head('GET', '/broken-off'), 'GET');
  if (answer) throw new Error(`an answer that broke off came as a whole ${answer.status}`);
}

async function isRefused(client: Client): Promise<void> {
  const answer = await client.ask(
    `${head('POST', '/no-answer', `Content-Length: ${SMALL_BODY.length}`)}${SMALL_BODY}`,
    'POST',
  );
  if (answer?.status !== 502) throw new Error(`${answer?.status} where a 502 was due`);
}

async function leavesBody(client: Client, random: () => number): Promise<void> {
  client.send(`${head('POST', '/upload', 'Content-Length: 100000')}${SMALL_BODY}`);
  await leave(client, random);
}

async function leavesWaiting(client: Client, random: () => number): Promise<void> {
  client.send(head('GET', '/slow'));
  await leave(client, random);
}

async function leavesAnswer(client: Client, random: () => number): Promise<void> {
  client.send(head('GET', '/slow-body'));
  await client.firstBytes();
  client.leave(leaving(random));
}

async function leavesHead(client: Client, random: () => number): Promise<void> {
  client.send('GET /page HTTP/1.1\r\nHost: so');
  await leave(client, random);
}

async function leave(client: Client, random: () => number): Promise<void> {
  await delay(random() * LONGEST_WAIT_MS);
  client.leave(leaving(random));
}

function leaving(random: () => number): Leaving {
  return random() < 0.5 ? 'close' : 'reset';
}
