import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/gateway.ts';
import { buildPackages } from './build.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const SOURCES = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'package-lock.json',
  'package.json',
  'packaging',
  'src',
];

test('the same sources give the same bytes, in another folder and by somebody with another umask', async (t) => {
  const elsewhere = temporaryFolder(t);
  for (const name of SOURCES) cpSync(join(ROOT, name), join(elsewhere, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'));
  const here = await buildPackages(temporaryFolder(t));
  const there = await buildPackages(temporaryFolder(t), { sources: elsewhere, umask: '077' });
  assert.equal(here.length, 2);
  const sums = (files: readonly string[]) =>
    files.map((file) => [
      basename(file),
      createHash('sha256').update(readFileSync(file)).digest('hex'),
    ]);
  assert.deepEqual(sums(there), sums(here));
});
