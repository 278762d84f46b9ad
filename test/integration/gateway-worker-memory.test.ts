import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';

/** What a process was given for glibc's `malloc`. */
function memorySettingsOf(pid: number): string[] {
  const all = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  return all.filter((setting) => setting.startsWith('MALLOC_')).sort();
}

test('workers give back large pieces of memory, unless the operator has them do otherwise', async (t) => {
  const { url } = await startBackend(t);
  const settings = { PORTAL_BACKENDS: url };
  const usual = await startGatewayProcess(t, settings);
  for (const { pid } of await usual.relays()) {
    assert.deepEqual(memorySettingsOf(pid), [
      'MALLOC_MMAP_MAX_=16384',
      'MALLOC_MMAP_THRESHOLD_=65536',
    ]);
  }
  const other = await startGatewayProcess(t, settings, { MALLOC_MMAP_THRESHOLD_: '131072' });
  for (const { pid } of await other.relays()) {
    assert.ok(memorySettingsOf(pid).includes('MALLOC_MMAP_THRESHOLD_=131072'));
  }
});
