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

/** How many bytes of code a process has that are of no file, but for those that V8 makes and may still write to. */
function copiedCodeOf(pid: number): number {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
  const copies = maps.matchAll(/^(\w+)-(\w+) r-xp \S+ 00:00 0 *$/gm);
  return Math.max(
    0,
    ...Array.from(copies, ([, from, to]) => Number(`0x${to}`) - Number(`0x${from}`)),
  );
}

/** Whether the kernel gives large pages to who asks for them; one without knows no such file. */
function areLargePagesGiven(): boolean {
  try {
    return !readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8').includes('[never]');
  } catch {
    return false;
  }
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

test('the code of workers lies in large pages where the kernel gives them and the operator lets it', async (t) => {
  const { url } = await startBackend(t);
  const settings = { PORTAL_BACKENDS: url, CACHE_LISTEN: '127.0.0.1:0' };
  const usual = await startGatewayProcess(t, settings);
  const other = await startGatewayProcess(t, settings, { NODE_OPTIONS: '--use-largepages=off' });
  for (const [gateway, isWanted] of [
    [usual, areLargePagesGiven()],
    [other, false],
  ] as const) {
    const { workers } = await gateway.state();
    assert.equal(workers.length, 3);
    for (const { pid } of workers) assert.equal(copiedCodeOf(pid) > 16_000_000, isWanted);
  }
});
