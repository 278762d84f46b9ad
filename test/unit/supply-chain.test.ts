import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);

interface Locked {
  readonly hasInstallScript?: boolean;
}

const manifest = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
const lock: Readonly<Record<string, Locked>> = JSON.parse(
  readFileSync(new URL('package-lock.json', ROOT), 'utf8'),
).packages;
/** By their folder; what the lock file has for other platforms is not there. */
const installed = Object.entries(lock).filter(
  ([folder]) => folder !== '' && existsSync(new URL(`${folder}/package.json`, ROOT)),
);

/** Licences that ask for no more than to be named. */
const PERMISSIVE = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);

/** What has another licence, or tells it in no field that a program can read. */
const OTHERS: Readonly<Record<string, string>> = {
  // Served as it is, file by file, which is all that it asks for (MPL-2.0 §3.1).
  '@novnc/novnc': 'MPL-2.0',
  // They tell it in a file.
  jackpot: 'MIT',
  retry: 'MIT',
};

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function licenceOf(folder: string): string | undefined {
  const { license, licenses } = JSON.parse(
    readFileSync(new URL(`${folder}/package.json`, ROOT), 'utf8'),
  );
  return typeof license === 'string' ? license : (license?.type ?? licenses?.[0]?.type);
}

/** One that leaves a choice is as good as its best part. */
function isPermissive(licence: string): boolean {
  return licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((part) => PERMISSIVE.has(part));
}

test('every package has a licence that is known to be fit', () => {
  assert.ok(installed.length > 100, `${installed.length} packages are installed`);
  for (const [folder] of installed) {
    const name = nameOf(folder);
    const licence = licenceOf(folder) ?? OTHERS[name] ?? 'none';
    assert.ok(isPermissive(licence) || OTHERS[name] === licence, `${name}: ${licence}`);
  }
});

test('no package but Node runs a script when it is installed', () => {
  const scripts = Object.entries(lock).filter(([, { hasInstallScript }]) => hasInstallScript);
  assert.deepEqual(
    scripts.map(([folder]) => nameOf(folder)),
    ['node'],
  );
  assert.deepEqual(manifest.allowScripts, { node: true });
});

test('each production dependency has its reason in CONTRIBUTING', () => {
  const text = readFileSync(new URL('CONTRIBUTING.md', ROOT), 'utf8');
  const listed = [...text.matchAll(/^\| `([^`]+)` +\| [^|]{20,} \|$/gm)].map(([, name]) => name);
  for (const name of Object.keys(manifest.dependencies)) {
    assert.ok(listed.includes(name), `${name} is not in the table of dependencies`);
  }
});
