import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startBackend } from '../support/backend.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { agentResource, OCF, statusThrough } from '../support/ocf-agent.ts';
import { descendants, isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

const CHECKOUT = new URL('../../', import.meta.url).pathname;
const AGENT = new URL('../../packaging/ocf/dashgate', import.meta.url).pathname;

// ocf-tester takes its time, much of it asleep.
describe('the resource agent', { concurrency: 2 }, () => {
  test('is sound by shellcheck and ocf-tester', async (t) => {
    execFileSync('shellcheck', [AGENT], { stdio: 'pipe' });
    const backend = await startBackend(t);
    const resource = await agentResource(t, { PORTAL_BACKENDS: backend.url });
    const options = Object.entries(resource.params).flatMap((pair) => ['-o', pair.join('=')]);
    const words = ['-n', 'front', ...options, resource.agent];
    // The others go on meanwhile.
    const told = await promisify(execFile)('ocf-tester', words, {
      env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, TMPDIR: dirname(resource.agent) },
      timeout: 120_000,
    });
    assert.match(told.stdout, /passed all tests/);
    const action = await resource.run('dance');
    assert.equal(action.code, OCF.unimplemented);
  });

  test('follows a gateway through its life', async (t) => {
    const backend = await startBackend(t);
    const resource = await agentResource(t, { PORTAL_BACKENDS: backend.url });
    const monitor = async (level: string) => (await resource.run('monitor', { level })).code;

    await t.test('it starts once', async () => {
      assert.equal(await monitor('0'), OCF.notRunning);
      assert.equal((await resource.run('reload')).code, OCF.notRunning);
      assert.equal((await resource.run('start')).code, OCF.success);
      const group = resource.group();
      assert.equal((await resource.run('start')).code, OCF.success);
      assert.equal(resource.group(), group, 'the second start has started nothing');
      for (const level of ['0', '10', '20']) assert.equal(await monitor(level), OCF.success, level);
      assert.equal((await resource.run('reload-agent')).code, OCF.success);
    });

    await t.test(
      'it goes by the supervisor that it found, and not by the number of one',
      async () => {
        const file = `${resource.params.pidfile}.supervisor`;
        const found = readFileSync(file, 'utf8');
        const [pid, since] = found.trim().split(' ').map(Number);
        // Neither another process of that number, nor one of another group, is the supervisor.
        for (const wrong of [`${pid} ${since! + 1}`, `${process.pid} ${startOf(process.pid)}`]) {
          writeFileSync(file, `${wrong}\n`);
          assert.equal(await monitor('0'), OCF.success);
          assert.equal(readFileSync(file, 'utf8'), found, wrong);
        }
        assert.equal(startOf(pid!), since);
      },
    );

    await t.test('another one on its ports does not pass for it', async () => {
      const { pidfile, log_file: log, admin_url: admin } = resource.params;
      const second = { pidfile: `${pidfile}.second`, log_file: `${log}.second` };
      for (const admin_url of [admin!, '']) {
        const { code, err } = await resource.run('start', { ...second, admin_url });
        assert.equal(code, OCF.generic);
        assert.match(err, /ocf-exit-reason:dashgate: .*_LISTEN.* in use/);
        assert.ok(!existsSync(second.pidfile), 'nothing is left of it');
      }
      assert.equal(await monitor('20'), OCF.success);
    });

    await t.test('it tells of readiness until that was taken, and then no more', async () => {
      const told = join(resource.programs, 'told');
      const monitorWith = async (taken: string) => {
        const program = `#!/bin/sh\necho "told $*" >>${told}\n${taken}\n`;
        writeFileSync(join(resource.programs, 'attrd_updater'), program, { mode: 0o755 });
        const { code } = await resource.run('monitor', { level: '10', attribute: 'well' });
        assert.equal(code, OCF.success);
        return readFileSync(told, 'utf8').split('told -n well -U 1 -d 0\n').length - 1;
      };
      const times = [];
      for (const taken of ['false', 'false', 'true', 'true']) times.push(await monitorWith(taken));
      assert.deepEqual(times, [1, 2, 3, 3]);
    });

    await t.test('what it cannot keep in mind changes nothing', async () => {
      for (const name of ['supervisor', 'ready']) {
        const file = `${resource.params.pidfile}.${name}`;
        rmSync(file);
        mkdirSync(file);
        const { code } = await resource.run('monitor', { level: '10', attribute: 'well' });
        assert.equal(code, OCF.success, name);
        rmdirSync(file);
      }
      assert.equal(await monitor('0'), OCF.success);
    });

    await t.test('it is not taken for stopped where pgrep is missing', async () => {
      const gone = {
        pgrep: 'exit 127',
        which: '[ "$1" != pgrep ] && command -v "$1"',
      };
      for (const [name, line] of Object.entries(gone)) {
        writeFileSync(join(resource.programs, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
      }
      assert.equal(await monitor('0'), OCF.success, 'the supervisor is known');
      rmSync(`${resource.params.pidfile}.supervisor`);
      for (const action of ['monitor', 'stop', 'validate-all']) {
        const { code, err } = await resource.run(action);
        assert.equal(code, OCF.installed, action);
        assert.match(err, /ocf-exit-reason:.* pgrep/);
      }
      for (const name of Object.keys(gone)) rmSync(join(resource.programs, name));
      assert.equal(await monitor('20'), OCF.success);
    });

    await t.test('it is found by the file of an agent that kept the number alone', async () => {
      const { pidfile } = resource.params;
      const kept = readFileSync(pidfile!, 'utf8');
      rmSync(`${pidfile}.supervisor`);
      writeFileSync(pidfile!, `${resource.group()}\n`);
      assert.equal(await monitor('0'), OCF.success);
      writeFileSync(pidfile!, kept);
    });

    await t.test('it does not serve where it is looked for', async () => {
      const elsewhere = { level: '20', check_url: 'https://127.0.0.1:9/' };
      const { code, err } = await resource.run('monitor', elsewhere);
      assert.equal(code, OCF.generic);
      assert.match(err, /no answer from https:\/\/127\.0\.0\.1:9\//);
    });

    await t.test('a reload with a file that will not do changes nothing', async () => {
      resource.configure({ RETRIES: 'many' });
      const { code, err } = await resource.run('reload');
      assert.equal(code, OCF.args);
      assert.match(err, /RETRIES=many is not a whole number/);
      assert.equal(await monitor('20'), OCF.success);
      assert.doesNotMatch(resource.log(), /the configuration/, 'it was not even asked to');
      resource.configure();
    });

    await t.test('another process takes its place', async () => {
      const before = resource.group();
      process.kill(before, 'SIGUSR2');
      await until('the one before is gone', () => !isRunning(before), 30_000);
      assert.equal(await monitor('20'), OCF.success);
      assert.equal((await resource.run('reload')).code, OCF.success);
      await until('it is read', () => resource.log().includes('the configuration was read anew'));
    });

    await t.test('it hangs, and ends in order all the same', async () => {
      process.kill(-resource.group(), 'SIGSTOP');
      const hanging = await resource.run('monitor', { level: '10', http_timeout: '1' });
      assert.equal(hanging.code, OCF.generic);
      assert.match(hanging.err, /no answer from http:\/\/127\.0\.0\.1:\d+ within 1 s/);
      const stop = await resource.run('stop', { stop_wait: '30.5', http_timeout: '' });
      assert.equal(stop.code, OCF.success);
      assert.match(stop.err, /stop_wait=30\.5 is not a whole number: it may take 17 s/);
      assert.doesNotMatch(stop.err, /is killed/);
      assert.equal(await statusThrough(resource), 0);
    });
  });

  test('runs npm start in a checkout, tells that it was killed, and clears away what was left', async (t) => {
    const backend = await startBackend(t);
    const resource = await agentResource(t, { PORTAL_BACKENDS: backend.url });
    const npm = { directory: CHECKOUT };
    assert.equal((await resource.run('start', npm)).code, OCF.success);
    const below = descendants(resource.group());
    const supervisor = below.find(({ command }) => command.includes('start'))!;
    const [worker] = descendants(supervisor.pid);
    assert.equal((await resource.run('monitor', { ...npm, level: '20' })).code, OCF.success);
    // The worker stays behind as long as it stands still.
    process.kill(worker!.pid, 'SIGSTOP');
    process.kill(supervisor.pid, 'SIGKILL');
    await until('it is gone', () => !isRunning(supervisor.pid));
    const orphaned = await resource.run('monitor', npm);
    assert.equal(orphaned.code, OCF.generic);
    assert.match(orphaned.err, /has left processes behind/);
    assert.equal((await resource.run('start', npm)).code, OCF.success, 'it comes back');
    assert.ok(!isRunning(worker!.pid));
    assert.equal(await statusThrough(resource), 200);
    process.kill(-resource.group(), 'SIGKILL');
    await until('nothing is left', async () => {
      return (await resource.run('monitor', npm)).code === OCF.notRunning;
    });
    assert.equal((await resource.run('stop', npm)).code, OCF.success);
  });

  test('kills what does not end within its time', async (t) => {
    const novnc = await startWebSocketBackend(t, 'one');
    const resource = await agentResource(t, {
      PORTAL_BACKENDS: `${novnc.url}`,
      PORTAL_HEALTH_CHECK: 'tcp',
      SHUTDOWN_TIMEOUT: '60s',
    });
    await resource.run('start');
    const { socket } = await openWebSocket(t, resource.portal);
    // A client that does not answer the close frame.
    socket.pause();
    const stop = await resource.run('stop', { stop_wait: '01s' });
    assert.equal(stop.code, OCF.success);
    assert.match(stop.err, /did not end within 1 s; it is killed/);
    assert.equal((await resource.run('monitor')).code, OCF.notRunning);
  });

  test('tells what keeps it from starting, and whose fault it is', async (t) => {
    const resource = await agentResource(t, { PORTAL_BACKENDS: 'http://127.0.0.1:9' });
    resource.configure({ RETRIES: 'many' });
    for (const action of ['start', 'validate-all']) {
      const { code, err } = await resource.run(action);
      assert.equal(code, OCF.args, 'of this node: another one may have a better file');
      assert.match(err, /ocf-exit-reason:dashgate: .*RETRIES=many is not a whole number/);
    }
    const absent = await resource.run('validate-all', { command: '/nowhere/dashgate' });
    assert.equal(absent.code, OCF.installed);
    const nobody = await resource.run('start', { user: 'no-such-user' });
    assert.equal(nobody.code, OCF.installed);
    const never = await resource.run('start', { ready_wait: 'soon' });
    assert.equal(never.code, OCF.configured, 'wrong on every node');
    resource.configure();
    const server = createServer().listen(resource.portal, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const taken = await resource.run('start');
    assert.equal(taken.code, OCF.generic);
    assert.match(taken.err, /ocf-exit-reason:dashgate: .*PORTAL_LISTEN.* in use/);
    assert.equal(resource.group(), 0, 'nothing is left of it');
    const homeless = { pidfile: '/nowhere/pid', ready_wait: '0' };
    const lost = await resource.run('start', homeless);
    assert.equal(lost.code, OCF.generic);
    assert.match(
      lost.err,
      /ocf-exit-reason:dashgate: pidfile=\/nowhere\/pid cannot be written: (Directory nonexistent|No such file or directory): /,
    );
  });

  test('lets a stranger alone who has the number by now', async (t) => {
    const resource = await agentResource(t, { PORTAL_BACKENDS: 'http://127.0.0.1:9' });
    const stranger = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    t.after(() => stranger.kill('SIGKILL'));
    const pid = stranger.pid!;
    await until('it leads a group', () => pid === groupOf(pid));
    for (const stale of [`${pid}`, `${pid} ${startOf(pid) - 1}`, '1', '0 0', '-1', 'x', '']) {
      writeFileSync(resource.params.pidfile!, `${stale}\n`);
      assert.equal((await resource.run('monitor')).code, OCF.notRunning, stale);
      const { code, err } = await resource.run('stop');
      assert.equal(code, OCF.success);
      assert.equal(/is out of date/.test(err), stale.startsWith(`${pid}`), err);
      assert.ok(isRunning(pid), stale);
      assert.ok(!existsSync(resource.params.pidfile!));
    }
  });

  test('starts without a backend that is up, as another user, and says that it is not ready', async (t) => {
    const resource = await agentResource(t, { PORTAL_BACKENDS: 'http://127.0.0.1:9' });
    // Nobody but root may become somebody else.
    const user = process.getuid?.() === 0 ? 'nobody' : '';
    resource.configure(pairOf(user, temporaryFolder(t), resource.params.env_file!));
    assert.equal((await resource.run('start', { ready_wait: '0', user })).code, OCF.success);
    if (user !== '') {
      const status = readFileSync(`/proc/${resource.group()}/status`, 'utf8');
      assert.match(status, /^Uid:\t(?!0\t)/m);
      assert.match(status, /^CapEff:\t0*400$/m, 'it may listen on low ports, and nothing else');
    }
    assert.equal((await resource.run('monitor', { user })).code, OCF.success);
    for (const level of ['10', '20']) {
      assert.equal((await resource.run('monitor', { level, user })).code, OCF.degraded);
    }
    // What its clients meet is looked at all the same.
    const hidden = await resource.run('monitor', {
      level: '20',
      check_url: 'https://127.0.0.1:9/',
      user,
    });
    assert.equal(hidden.code, OCF.generic);
    assert.match(hidden.err, /no answer from https:\/\/127\.0\.0\.1:9\//);
    assert.equal((await resource.run('stop', { user })).code, OCF.success);
  });
});

/** Copies of the certificate and the key of a file of settings that are this user's own. */
function pairOf(user: string, folder: string, envFile: string): Record<string, string> {
  const settings = readFileSync(envFile, 'utf8');
  const copy = (name: string) => {
    const from = new RegExp(`^${name}=(.*)$`, 'm').exec(settings)?.[1];
    const to = `${folder}/${name}`;
    execFileSync('install', ['-m', '600', ...(user ? ['-o', user] : []), from!, to]);
    return to;
  };
  execFileSync('chmod', ['755', folder]);
  return { TLS_CERT: copy('TLS_CERT'), TLS_KEY: copy('TLS_KEY') };
}

/** When a process started, in ticks since the host did: proc_pid_stat(5), field 22. */
function startOf(pid: number): number {
  return Number(statOf(pid)[19]);
}

/** Its process group. */
function groupOf(pid: number): number {
  return Number(statOf(pid)[2]);
}

/** The fields of its proc_pid_stat(5) behind the name. */
function statOf(pid: number): string[] {
  const [, fields] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(/^.*\) /s);
  return fields!.split(' ');
}
