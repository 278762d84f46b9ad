import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigError, parseConfig } from '../../src/config.ts';
import { examine } from '../../src/doctor/doctor.ts';
import { textReport } from '../../src/doctor/text-report.ts';
import { issue } from '../support/certificates.ts';
import { dashgateCommand, printed } from '../support/command.ts';
import { gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { descendants } from '../support/processes.ts';

const NOWHERE = 'http://127.0.0.1:9';

async function soundSettings(t: TestContext): Promise<Record<string, string>> {
  return { ...(await gatewaySettings(t)), PORTAL_BACKENDS: NOWHERE };
}

/** A file of settings, with the mode that it is to have. */
function settingsFile(folder: string, settings: Record<string, string>, mode = 0o600): string {
  const file = join(folder, 'dashgate.env');
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  writeFileSync(file, lines.join('\n'));
  chmodSync(file, mode);
  return file;
}

test('a key that others may read is refused by start, check, doctor and a reload', async (t) => {
  const settings = await soundSettings(t);
  const key = settings.TLS_KEY!;
  const running = dashgateCommand(t, ['start'], settings);
  await printed(running, '"listener":"admin"');
  chmodSync(key, 0o644);
  running.child.kill('SIGHUP');
  await printed(running, 'the configuration stays as it was');
  assert.match(running.out(), /TLS_KEY=.* is open to others \(mode 0644/);
  const refused = ['start', 'check', 'doctor'].map((name) => dashgateCommand(t, [name], settings));
  for (const command of refused) {
    assert.equal(await command.exit, 78);
    const said = command.out() + command.err();
    assert.ok(said.includes(key), said);
    assert.match(said, /is open to others \(mode 0644, of .*\); run .*chmod 6[04]0 /);
  }
});

test('a key that others may read serves where that is allowed, with a warning', async (t) => {
  const settings = await soundSettings(t);
  chmodSync(settings.TLS_KEY!, 0o644);
  const command = dashgateCommand(t, ['start'], { ...settings, TLS_KEY_PERMISSIONS: 'any' });
  await printed(command, '"listener":"admin"');
  assert.match(command.out(), /"level":"warn".*"msg":"the private key is open to others \(mode/);
});

test('a file of settings that others may read is warned of, where it holds secrets', async (t) => {
  const folder = temporaryFolder(t);
  const plain = await soundSettings(t);
  const secret = { ...plain, SHARED_SECRET: 'planted-shared-secret' };
  const started = async (settings: Record<string, string>, mode: number) => {
    const file = settingsFile(folder, settings, mode);
    const command = dashgateCommand(t, ['start', '--config', file]);
    await printed(command, '"listener":"admin"');
    command.child.kill('SIGKILL');
    await command.exit;
    return command.out();
  };
  const warning = /"level":"warn".*dashgate\.env".*holds secrets and is open to others \(mode 0644/;
  assert.match(await started(secret, 0o644), warning);
  assert.doesNotMatch(await started(secret, 0o600), /holds secrets/);
  assert.doesNotMatch(await started(plain, 0o644), /holds secrets/);
  const file = settingsFile(folder, secret, 0o644);
  const doctor = dashgateCommand(t, ['doctor', '--config', file, '--json']);
  await doctor.exit;
  assert.match(doctor.out(), /"it holds secrets and is open to others \(mode 0644/);
  assert.doesNotMatch(doctor.out(), /planted-shared-secret/);
});

test('a key that will not do is told without anything of it', async (t) => {
  const folder = temporaryFolder(t);
  const settings = await soundSettings(t);
  const sound = readFileSync(settings.TLS_KEY!, 'utf8');
  const other = readFileSync((await issue(folder, 'other', { names: ['a.example'] })).key, 'utf8');
  const sealed = sealedKey(other);
  const running = dashgateCommand(t, ['start'], settings);
  await printed(running, '"listener":"admin"');
  const wrong: Record<string, string> = {
    'of another certificate': other,
    'with a passphrase': sealed,
    'cut off': sound.slice(0, 150),
    'one line is spoilt': sound.replace(/\n(.)/, '\n!$1'),
    'no PEM at all': sound.replaceAll(/-----.*-----\n/g, ''),
  };
  let said = '';
  for (const [name, text] of Object.entries(wrong)) {
    const TLS_KEY = join(folder, `${name}.pem`);
    writeFileSync(TLS_KEY, text, { mode: 0o600 });
    // The second has the key itself where its path belongs.
    for (const given of [TLS_KEY, text, `${TLS_KEY},${text}`]) {
      const read = () => parseConfig({ ...settings, TLS_KEY: given });
      assert.throws(read, (error) => {
        said += inspect(error, { depth: 9 });
        return error instanceof ConfigError;
      });
      const { findings } = await examine(read, { env: {} });
      said += textReport(findings, { colour: false }) + JSON.stringify(findings);
    }
    writeFileSync(settings.TLS_KEY!, text);
    const told = running.out().length;
    running.child.kill('SIGHUP');
    const since = { ...running, out: () => running.out().slice(told) };
    await printed(since, 'the configuration stays as it was');
  }
  said += running.out() + running.err();
  assert.match(said, /is not a private key that can be used/);
  assert.match(said, /belongs to another certificate/);
  for (const text of [sound, ...Object.values(wrong)]) {
    for (const line of text.split('\n').filter((part) => part && !part.startsWith('-----'))) {
      // A dozen characters of it are more than chance.
      for (let at = 0; at + 12 <= line.length; at += 6) {
        assert.ok(!said.includes(line.slice(at, at + 12)), 'a part of a key was printed');
      }
    }
  }
});

test('SIGUSR1 opens no debugger, and no memory goes into a core dump, in any process of a gateway', async (t) => {
  const gateway = await startGatewayProcess(t, { PORTAL_BACKENDS: NOWHERE });
  const { command, state } = gateway;
  const { workers } = await state();
  const pids = [command.child.pid!, ...descendants(command.child.pid!).map(({ pid }) => pid)];
  assert.ok(pids.length > workers.length && workers.length >= 2);
  for (const pid of pids) {
    const filter = readFileSync(`/proc/${pid}/coredump_filter`, 'latin1');
    assert.match(filter, /^0+\n$/, `of ${pid}`);
  }
  for (const pid of pids) process.kill(pid, 'SIGUSR1');
  // What it does has been done when another signal, and what workers are asked, have been answered.
  const reloaded = await gateway.reload();
  assert.equal(reloaded.msg, 'the configuration was read anew');
  assert.doesNotMatch(command.out() + command.err(), /debugger|inspector/i);
});

/** The same key, encrypted. */
function sealedKey(pem: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  return createPrivateKey(pem).export(options) as string;
}
