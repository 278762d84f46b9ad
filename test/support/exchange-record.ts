import type { ExchangeRecord } from '../../src/relay/relay-report.ts';

/** A request that went well, for the log. */
export const EXCHANGE: ExchangeRecord = {
  requestId: 'd1e8a70b5a126547a2de37d1fd6a2f3c',
  client: '192.0.2.7',
  port: 51_234,
  secure: true,
  method: 'GET',
  target: '/dashboard/?token=secret',
  minor: 1,
  status: 200,
  backend: 'web1:80',
  asked: undefined,
  endedAt: Date.UTC(2026, 10, 26, 12),
  ms: 12,
  exactMs: 11.5,
  requestMs: 1,
  queueMs: 2,
  connectMs: 3,
  responseMs: 4,
  bytes: 1_234,
  retries: 0,
  queuedBefore: 0,
  termination: '--',
  aborted: false,
};
