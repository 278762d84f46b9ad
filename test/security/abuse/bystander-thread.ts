/** The thread of `bystander.ts`. */
import { Agent, request } from 'node:https';
import { createSecureContext } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import type { Request } from './bystander.ts';

const KEPT_EVERY_MS = 10;
const NEW_EVERY_MS = 50;
const DEADLINE_MS = 5_000;
const PAGE = { path: '/1k', bytes: 1_024 };
const HEADERS = {
  Accept: 'text/html',
  Cookie: 'csrftoken=4f1d0c7bd5e2; sessionid=zy7m3pq1w0x9c8v7b6n5m4l3k2j1h0g9',
  Host: 'dashboard.example',
};

const { port, localAddress } = workerData as { port: number; localAddress: string };
const options = {
  host: '127.0.0.1',
  port,
  localAddress,
  path: PAGE.path,
  headers: HEADERS,
  rejectUnauthorized: false,
  secureContext: createSecureContext({ ecdhCurve: 'X25519' }),
  timeout: DEADLINE_MS,
};
// It opens another one where those that it keeps are busy: a request never waits for the one before.
const kept = new Agent({ keepAlive: true, maxFreeSockets: 64 });
let ended: Request[] = [];

function ask(agent: Agent | false): void {
  const began = performance.now();
  const done = (failure?: string) => {
    if (over) return;
    over = true;
    ended.push({ ms: performance.now() - began, failure });
  };
  let over = false;
  const outgoing = request({ ...options, agent }, (incoming) => {
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    incoming.once('end', () => {
      if (incoming.statusCode !== 200) done(`answered ${incoming.statusCode}`);
      else done(bytes === PAGE.bytes ? undefined : `${bytes} bytes`);
    });
    incoming.once('error', (error) => done(error.message));
  });
  outgoing.once('timeout', () => outgoing.destroy(new Error('no answer within 5 s')));
  outgoing.once('error', (error) => done(error.message));
  outgoing.end();
}

setInterval(() => ask(kept), KEPT_EVERY_MS);
setInterval(() => ask(false), NEW_EVERY_MS);
parentPort!.on('message', () => {
  parentPort!.postMessage(ended);
  ended = [];
});
