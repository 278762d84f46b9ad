import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startDoor } from '../support/cache-door.ts';
import { replicatedStore } from '../support/cache-replicated.ts';
import { startMemcached } from '../support/memcached.ts';

/** Debian's own Python: it has Django and the memcached clients. */
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('../support/cache-door-clients.py', import.meta.url));
/** Steps of which a library is known to succeed, so that two failures do not pass for agreement. */
const KNOWN: Record<string, readonly [string, unknown][]> = {
  pymemcache: [
    ['get', "b'one'"],
    ['cas', 'True'],
    ['counter', ['True', '15', '0']],
  ],
  'python-memcached': [
    ['get', "'one'"],
    ['cas', ["'?three!'", 'True', 'False', "'four'"]],
  ],
  pylibmc: [
    ['get', "'one'"],
    ['cas', ["'three'", 'True']],
  ],
};
const DJANGO: readonly [string, unknown][] = [
  ['add', ['False', 'True', '1']],
  ['session', [{ "'user'": { "'id'": '7' } }, 'False', 'True', {}]],
];

async function stepsOf(library: string, host: string, port: number) {
  const args = ['-B', '-W', 'ignore', SCRIPT, library, `${host}:${port}`];
  const { stdout } = await promisify(execFile)(PYTHON, args, { timeout: 60_000 });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as [string, unknown]);
}

// Most of its time each waits for its cache to be full.
describe('a client library is answered by the door as by memcached', { concurrency: 4 }, () => {
  for (const library of Object.keys(KNOWN).flatMap((name) => [name, `django-${name}`])) {
    for (const nodes of [1, 3])
      it(`${library}, ${nodes} behind`, async (t) => {
        const [memcached, store] = await Promise.all([
          startMemcached(t),
          replicatedStore(t, nodes),
        ]);
        const door = await startDoor(t, { store, allowFlush: true });
        const [expected, answered] = await Promise.all([
          stepsOf(library, memcached.host, memcached.port),
          stepsOf(library, door.host, door.port),
        ]);
        assert.ok(expected.length >= 16);
        for (const [name, result] of KNOWN[library] ?? DJANGO) {
          assert.deepEqual(new Map(expected).get(name), result, name);
        }
        for (const [index, [name, result]] of expected.entries()) {
          assert.deepEqual(answered[index], [name, result]);
        }
        assert.equal(answered.length, expected.length);
      });
  }
});
