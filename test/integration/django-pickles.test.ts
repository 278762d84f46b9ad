import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { readPickle } from '../../src/session/pickle-reader.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';
import { startDjango } from '../support/django/process.ts';

const folder = new URL('../../fixtures/django/pickles/', import.meta.url);

it('what Python pickled, read and written here, is its equal to real Python', async (t) => {
  const python = startDjango(t, 'check_pickles.py', []);
  let checked = 0;
  for (const file of readdirSync(folder)) {
    for (const { name, protocol, base64 } of JSON.parse(
      readFileSync(new URL(file, folder), 'utf8'),
    )) {
      const written = writePickle(readPickle(Buffer.from(base64, 'base64')));
      const answer = await python.ask({ name, protocol, base64: written.toString('base64') });
      assert.deepEqual(answer, { same: true }, `${name}, protocol ${protocol}`);
      checked += 1;
    }
  }
  assert.ok(checked > 150);
});
