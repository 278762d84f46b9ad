import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { manualPage } from '../../packaging/build/manual-page.ts';
import { SETTINGS } from '../../src/settings.ts';
import { COMMANDS } from '../../src/usage.ts';
import { temporaryFolder } from '../support/gateway.ts';

const PACKAGING = new URL('../../packaging/', import.meta.url).pathname;
const UNIT = `${PACKAGING}systemd/dashgate.service`;

describe('the systemd unit', () => {
  test('has nothing that systemd does not understand', (t) => {
    // Where the programs of the unit are, as systemd looks for them.
    const root = temporaryFolder(t);
    const put = (path: string, text: string | Buffer, mode = 0o644) => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text, { mode });
    };
    for (const program of ['usr/bin/dashgate', 'bin/kill']) put(program, '#!/bin/sh\n', 0o755);
    put('etc/systemd/system/dashgate.service', readFileSync(UNIT));
    for (const target of ['sysinit', 'basic', 'shutdown', 'network-online', 'multi-user']) {
      put(`etc/systemd/system/${target}.target`, '[Unit]\nDefaultDependencies=no\n');
    }
    for (const needed of ['system.slice', '-.mount', 'tmp.mount', 'var-tmp.mount']) {
      const where = needed === '-.mount' ? '/' : `/${needed.split('.')[0]!.replace('-', '/')}`;
      const mount = needed.endsWith('.mount') ? `[Mount]\nWhat=none\nWhere=${where}\n` : '';
      put(`etc/systemd/system/${needed}`, `[Unit]\nDefaultDependencies=no\n${mount}`);
    }
    const args = ['verify', '--man=no', `--root=${root}`, 'dashgate.service'];
    const { status, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    const complaints = stderr.split('\n').filter((line) => line.includes('dashgate'));
    assert.deepEqual(complaints, []);
    assert.equal(status, 0, stderr);
  });

  test('leaves little to who breaks in: systemd-analyze says less than 3.0', () => {
    const args = ['security', '--offline=true', '--threshold=30', UNIT];
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    assert.match(stdout, /Overall exposure level for dashgate\.service: [012]\.\d/);
    assert.equal(status, 0, stderr);
  });
});

test('the scripts of the packages are sound shell', () => {
  for (const name of ['dashgate', 'deb/postinst', 'deb/prerm', 'deb/postrm']) {
    execFileSync('sh', ['-n', PACKAGING + name]);
  }
});

test('the manual page tells of every command and setting, and is well-formed', (t) => {
  const text = manualPage({ version: '1.2.3', epoch: 1_700_000_000 });
  for (const name of [...Object.keys(COMMANDS), ...Object.keys(SETTINGS)]) {
    const pattern = new RegExp(`^\\.B ${name.replaceAll('-', '\\\\-')}(?![A-Z_])`, 'm');
    assert.match(text, pattern, name);
  }
  const file = join(temporaryFolder(t), 'dashgate.8');
  writeFileSync(file, text);
  const { status, stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', file], {
    encoding: 'utf8',
  });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});
