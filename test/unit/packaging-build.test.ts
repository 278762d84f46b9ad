import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isNeeded, productionModules } from '../../packaging/build/production-modules.ts';
import { packageVersion } from '../../packaging/build/release.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

test('what is packed are the libraries for production, and no second runtime', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(`${ROOT}package.json`, 'utf8'),
  ) as Record<string, Record<string, string>>;
  const packed = productionModules(ROOT).map(({ path }) => path);
  for (const name of Object.keys(dependencies!).filter((name) => name !== 'node')) {
    assert.ok(packed.includes(`node_modules/${name}`), name);
  }
  for (const name of Object.keys(devDependencies!)) {
    assert.ok(!packed.includes(`node_modules/${name}`), name);
  }
  assert.ok(!packed.some((path) => /node_modules\/node(-|\/|$)/.test(path)));
  assert.ok(packed.includes('node_modules/express-session/node_modules/cookie-signature'));
});

test('what is for who works on a library is left out, and nothing that it runs on', () => {
  for (const path of [
    '',
    '/package.json',
    '/lib/tester.js',
    '/dist/esm/docs.mjs',
    '/latest/a.js',
  ]) {
    assert.equal(isNeeded(path), true, path);
  }
  for (const path of [
    '/README.md',
    '/test',
    '/lib/test/a.js',
    '/a.d.mts',
    '/a.js.map',
    '/.github',
  ]) {
    assert.equal(isNeeded(path), false, path);
  }
});

test('a version before a release comes before it', () => {
  assert.equal(packageVersion({ version: '1.2.0-rc.1', epoch: 0 }), '1.2.0~rc.1');
  assert.equal(packageVersion({ version: '1.2.0', epoch: 0 }), '1.2.0');
});
