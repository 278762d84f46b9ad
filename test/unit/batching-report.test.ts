import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../src/errors.ts';
import { BatchingReport } from '../../src/gateway/batching-report.ts';
import { EXCHANGE } from '../support/exchange-record.ts';

function recorded(most?: number) {
  const passed: string[] = [];
  const next = {
    answered: ({ requestId }: { requestId: string }) => passed.push(requestId),
    failed: (requestId: string) => passed.push(`failed ${requestId}`),
    tunnelOpened: (backend: string) => passed.push(`opened ${backend}`),
    tunnelClosed: () => passed.push('closed'),
  };
  const report = new BatchingReport(next, most);
  const answer = (...ids: string[]) => {
    for (const requestId of ids) report.answered({ ...EXCHANGE, requestId });
  };
  return { passed, report, answer };
}

test('answers are passed on in their order, once there are so many', () => {
  const { passed, answer } = recorded(3);
  answer('one', 'two');
  assert.deepEqual(passed, []);
  answer('three', 'four');
  assert.deepEqual(passed, ['one', 'two', 'three']);
});

test('an answer that no other follows is passed on soon, and only once', async () => {
  const { passed, report, answer } = recorded();
  answer('one');
  await sleep(100);
  assert.deepEqual(passed, ['one']);
  answer('two');
  report.flush();
  assert.deepEqual(passed, ['one', 'two']);
  await sleep(100);
  assert.deepEqual(passed, ['one', 'two']);
});

test('failures and websockets do not wait, and with 1 no answer does', () => {
  const { passed, report, answer } = recorded(1);
  answer('one');
  report.failed('two', new GatewayError('headTooLarge', 'x'));
  report.tunnelOpened('web1');
  assert.deepEqual(passed, ['one', 'failed two', 'opened web1']);
});
