import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { Cleanup } from '../support/cleanup.ts';
import { freePorts } from '../support/free-port.ts';
import { fetchTls, gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { buildPackages } from './build.ts';

describe('the RPM package', () => {
  const cleanup = new Cleanup();
  let file: string;
  let folder: string;
  before(async () => {
    folder = temporaryFolder(cleanup as unknown as TestContext);
    [file] = (await buildPackages(folder, { only: 'rpm', version: '0.2.0' })) as [string];
  });
  after(() => cleanup.run());

  /** Asks rpm, with a database of nobody's. */
  const rpm = (...query: readonly string[]) =>
    execFileSync('rpm', ['--dbpath', join(folder, 'db'), '-qp', ...query, file], {
      encoding: 'utf8',
    });

  test('says what it is and what it needs: no Node', () => {
    assert.equal(rpm(), 'dashgate-0.2.0-1.x86_64\n'.replace('x86_64', rpm('--qf', '%{ARCH}')));
    const needs = rpm('--requires').split('\n');
    assert.ok(needs.includes('libc.so.6(GLIBC_2.28)(64bit)'), needs.join());
    assert.ok(!needs.some((need) => /^(node|npm|\/usr\/bin\/(env|node))/.test(need)), needs.join());
    assert.match(rpm('--suggests'), /^\/usr\/bin\/curl\n\/usr\/bin\/pgrep\n/, 'for the agent');
  });

  test('makes the user, has the new version take over after an upgrade, and stops with a removal', () => {
    const scripts = rpm('--scripts');
    const [, pre] = /^preinstall [\s\S]*?\n([\s\S]*?)^\w+ (?:scriptlet|program)/m.exec(scripts)!;
    assert.match(pre!, /useradd --system/);
    assert.match(scripts, /^posttrans [\s\S]*--signal=USR2 dashgate\.service/m);
    assert.match(scripts, /^preuninstall [\s\S]*disable --now dashgate\.service/m);
  });

  test('keeps the settings of the operator, which not everybody may read', () => {
    assert.equal(rpm('--configfiles'), '/etc/dashgate/dashgate.env\n/etc/logrotate.d/dashgate\n');
    const entry = rpm(
      '--qf',
      '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]',
    );
    assert.match(entry, /^-rw-r----- root dashgate \/etc\/dashgate\/dashgate\.env$/m);
    assert.doesNotMatch(
      entry,
      / \/usr(\/bin|\/lib|\/share)?$/m,
      'folders of the system are not its own',
    );
  });

  test('serves from where it was unpacked, on the Node that it brings', async (t) => {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    execFileSync('sh', ['-c', 'rpm2cpio "$1" | cpio -idm --quiet', 'sh', file], { cwd: tree });
    const program = join(tree, 'usr/bin/dashgate');
    assert.equal(statSync(program).mode & 0o777, 0o755);
    const env = { PATH: '/nonexistent:/usr/bin:/bin' };
    const help = spawnSync(program, ['help'], { env, encoding: 'utf8' });
    assert.match(help.stdout, /^Usage: dashgate COMMAND/);
    const backend = await startBackend(t);
    const [portal, admin] = await freePorts(2);
    const child = spawn(program, ['start'], {
      cwd: '/',
      env: {
        ...env,
        ...(await gatewaySettings(t)),
        PORTAL_LISTEN: `127.0.0.1:${portal}`,
        ADMIN_LISTEN: `127.0.0.1:${admin}`,
        PORTAL_BACKENDS: backend.url,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    await until(
      'it is ready',
      async () => {
        const answer = await fetch(`http://127.0.0.1:${admin}/readyz`).catch(() => undefined);
        return answer?.status === 200;
      },
      60_000,
    );
    assert.equal(
      realpathSync(`/proc/${child.pid}/exe`),
      join(realpathSync(tree), 'usr/lib/dashgate/bin/node'),
    );
    assert.equal((await fetchTls(portal!, '/x')).status, 200);
  });
});
