import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import { fetchTls, temporaryFolder } from '../support/gateway.ts';
import { killIfThere } from '../support/gateway-process.ts';
import { descendants, isRunning } from '../support/processes.ts';
import { startLoad } from '../support/steady-load.ts';
import { until } from '../support/until.ts';
import { startWebSocketBackend } from '../support/websocket.ts';
import { buildPackages } from './build.ts';
import { makeDebianRoot } from './debian-root.ts';

const SETTINGS = 'etc/dashgate/dashgate.env';

test('a bare Debian without Node: install, configure, serve, upgrade under load, remove, purge', async (t) => {
  // Before the folder that they run in goes.
  const pids = new Set<number>();
  t.after(() => {
    for (const pid of pids) killIfThere(pid);
  });
  const [first] = await buildPackages(temporaryFolder(t), { only: 'deb', version: '0.1.0' });
  const [second] = await buildPackages(temporaryFolder(t), { only: 'deb', version: '0.1.1' });
  const debian = await makeDebianRoot(t);
  const inside = (path: string) => join(debian.folder, path);
  const text = (path: string) => readFileSync(inside(path), 'utf8');
  await assert.rejects(debian.run('sh', '-c', 'command -v node nodejs'), 'it has no Node');
  const bare = debian.files();

  const said = await debian.run('dpkg', '--install', debian.bring(first!));
  assert.match(said, /Dashgate is not configured yet: write \/etc\/dashgate\/dashgate\.env/);
  assert.doesNotMatch(text('run/systemctl.log'), / start |^start/m);
  assert.match(text('etc/passwd'), /^dashgate:.*:\/nonexistent:\/usr\/sbin\/nologin$/m);
  const { mode, gid } = statSync(inside(SETTINGS));
  assert.equal((mode & 0o777).toString(8), '640');
  assert.match(text('etc/group'), new RegExp(`^dashgate:x:${gid}:$`, 'm'));
  const command = ['dashgate', 'start', '--config', `/${SETTINGS}`];
  const asUser = ['setpriv', '--reuid=dashgate', '--regid=dashgate', '--clear-groups'];
  await assert.rejects(debian.run(...asUser, ...command), { code: 78 });

  const backend = await startBackend(t);
  const novnc = await startWebSocketBackend(t, 'one');
  const [portal, console, admin] = await freePorts(3);
  await debian.run('dashgate', 'certificate', '/etc/dashgate/tls');
  await debian.run('chown', '-R', 'dashgate:', '/etc/dashgate/tls');
  const settings = [
    `PORTAL_LISTEN=127.0.0.1:${portal}`,
    `PORTAL_BACKENDS=${backend.url}`,
    'PORTAL_HEALTH_PATH=/health',
    `CONSOLE_LISTEN=127.0.0.1:${console}`,
    `CONSOLE_BACKENDS=${novnc.url}`,
    'CONSOLE_HEALTH_CHECK=http',
    'CONSOLE_HEALTH_PATH=/',
    'CACHE_LISTEN=',
    `ADMIN_LISTEN=127.0.0.1:${admin}`,
    'MEMCACHED_SERVERS=127.0.0.1:9',
    'WORKERS=2',
    'TLS_CERT=/etc/dashgate/tls/cert.pem',
    'TLS_KEY=/etc/dashgate/tls/key.pem',
  ].join('\n');
  writeFileSync(inside(SETTINGS), `${settings}\n`);
  assert.match(await debian.run('dashgate', 'check', '--config', `/${SETTINGS}`), /is sound/);

  const service = debian.start(...asUser, ...command);
  pids.add(service.pid!);
  let log = '';
  service.stdout!.on('data', (data) => {
    log += data;
  });
  const ready = async () => {
    const answer = await fetch(`http://127.0.0.1:${admin}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  };
  await until('it is ready', ready, 60_000);
  const main = service.pid!;
  assert.equal(
    readFileSync(`/proc/${main}/cmdline`, 'latin1').split('\0')[0],
    '/usr/lib/dashgate/bin/node',
    log,
  );
  for (const { pid } of descendants(main)) pids.add(pid);
  writeFileSync(inside('run/dashgate.pid'), `${main}\n`);
  assert.equal((await fetchTls(portal!, '/x')).status, 200);
  const version = async () => {
    const answer = await fetch(`http://127.0.0.1:${admin}/api/state`, {
      headers: { connection: 'close' },
    });
    return ((await answer.json()) as { gateway: { version: string } }).gateway.version;
  };
  assert.equal(await version(), '0.1.0');

  const load = await startLoad(t, { portal: portal!, console: console!, lanes: 2, tunnels: 2 });
  await debian.run('dpkg', '--install', debian.bring(second!));
  assert.match(
    text('run/systemctl.log'),
    /^kill --kill-who=main --signal=USR2 dashgate\.service$/m,
  );
  await until('the new version serves', () => /it serves; this process ends/.test(log), 60_000);
  const successor = Number(/"successor":(\d+)/.exec(log)![1]);
  for (const { pid } of [{ pid: successor }, ...descendants(successor)]) pids.add(pid);
  writeFileSync(inside('run/dashgate.pid'), `${successor}\n`);
  const { answered, echoes } = load;
  await until('the load goes on', () => load.answered > answered + 50 && load.echoes > echoes + 50);
  assert.equal(await version(), '0.1.1');
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.equal(load.cut, 0, 'no console was cut');
  assert.equal(text(SETTINGS), `${settings}\n`, 'the configuration is kept');

  for (const socket of novnc.sockets) socket.destroy();
  await debian.run('dpkg', '--remove', 'dashgate');
  await until('it has stopped', () => ![...pids].some(isRunning), 30_000);
  assert.ok(!existsSync(inside('usr/lib/dashgate')) && !existsSync(inside('usr/bin/dashgate')));
  assert.equal(text(SETTINGS), `${settings}\n`, 'it is there for who installs it again');

  await debian.run('dpkg', '--purge', 'dashgate');
  const left = debian.files().filter((path) => !bare.includes(path));
  assert.deepEqual(left, [], 'nothing is left');
  for (const file of ['passwd', 'group', 'shadow', 'gshadow']) {
    assert.doesNotMatch(text(`etc/${file}`), /dashgate/);
  }
});

test('lintian finds no error in it', async (t) => {
  const [deb] = await buildPackages(temporaryFolder(t), { only: 'deb' });
  const args = ['--allow-root', '--fail-on', 'error', '--no-tag-display-limit', deb!];
  const { status, stdout, stderr } = spawnSync('lintian', args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});
