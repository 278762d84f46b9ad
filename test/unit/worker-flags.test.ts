import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WORKER_FLAGS } from '../../src/gateway/worker-runtime.ts';

const PROGRAM = fileURLToPath(new URL('../support/answered-program.ts', import.meta.url));
/** V8 decides when the young generation has all its size. */
const GROWN = ['--min-semi-space-size=8', '--max-semi-space-size=8'];

test('a worker does not take what tells of answers for something that lives long', () => {
  const args = [...GROWN, ...WORKER_FLAGS, PROGRAM];
  const left = Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  assert.ok(left < 1_000_000, `${left} bytes in the old generation`);
});
