/**
 * A program that has answers counted in batches, as a worker does, the first of them while a collection
 * comes; prints how much a hundred thousand more have left in the old generation, in bytes.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { BatchingReport } from '../../src/gateway/batching-report.ts';
import { Answer } from '../../src/relay/answer.ts';
import { ForwardedLines } from '../../src/relay/outgoing-head.ts';
import type { RelayReport } from '../../src/relay/relay-report.ts';
import { RequestIds } from '../../src/relay/request-ids.ts';
import { RequestParser } from '../../src/relay/request-parser.ts';
import { collectGarbage } from './memory.ts';

const REQUEST = Buffer.from('GET /dashboard/ HTTP/1.1\r\nHost: portal.example\r\n\r\n');
const BATCH = 250;
const ANSWERS = 100_000;

const peer = {
  address: '192.0.2.7',
  proxies: undefined,
  scheme: 'https',
  endpoints: { address: '192.0.2.7', port: 51_234, localAddress: '192.0.2.1', localPort: 443 },
} as const;
const policy = {
  affinity: undefined,
  hsts: undefined,
  authorities: new Set<string>(),
  requestIds: new RequestIds(),
};
const nobody: RelayReport = {
  answered() {},
  failed() {},
  tunnelOpened() {},
  tunnelClosed() {},
};
const report = new BatchingReport(nobody);
const parser = new RequestParser();
const forwarded = new ForwardedLines(peer);

function answer(times: number): void {
  for (let i = 0; i < times; i += 1) {
    const request = parser.parse(REQUEST)!;
    report.answered(
      new Answer(request, peer, forwarded, policy, undefined).record(undefined, false),
    );
    parser.reset();
  }
}

function oldBytes(): number {
  const spaces = getHeapSpaceStatistics();
  return spaces.find(({ space_name: name }) => name === 'old_space')!.space_used_size;
}

answer(BATCH);
collectGarbage('minor');
answer(ANSWERS);
const before = oldBytes();
answer(ANSWERS);
process.stdout.write(String(oldBytes() - before));
