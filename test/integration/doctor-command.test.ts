import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { JsonReport } from '../../src/doctor/json-report.ts';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { dashgateCommand, printedOnTerminal } from '../support/command.ts';
import { putSessions } from '../support/doctor.ts';
import { gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { startMemcached } from '../support/memcached.ts';

async function soundSettings(t: TestContext): Promise<Record<string, string>> {
  const backend = await startBackend(t);
  const node = await startMemcached(t);
  return {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: backend.url,
    MEMCACHED_SERVERS: node.address,
  };
}

async function run(
  t: TestContext,
  args: readonly string[],
  settings: Record<string, string>,
  options: { openFiles?: number } = {},
) {
  const command = dashgateCommand(t, ['doctor', ...args], settings, options);
  const code = await command.exit;
  return { code, out: command.out(), err: command.err() };
}

test('a deployment without errors exits with 0, one with an error with 1', async (t) => {
  const settings = await soundSettings(t);
  const well = await run(t, [], settings);
  assert.equal(well.code, 0, well.out + well.err);
  assert.match(well.out, /^backends\n {2}ok {6}portal 127\.0\.0\.1:\d+: GET \/health gave 200/m);
  assert.match(well.out, /^0 errors, \d+ warnings?, \d+ notes?; \d+ ok\.\n$/m);
  const ill = await run(t, [], { ...settings, PORTAL_BACKENDS: 'http://127.0.0.1:9' });
  assert.equal(ill.code, 1);
  assert.match(ill.out, /^ {2}ERROR {3}portal 127\.0\.0\.1:9: .*ECONNREFUSED.*\n {10}→ start it/m);
  assert.match(ill.out, /^1 error, /m);
});

test('a configuration that is wrong exits with 78 and tells all that is wrong with it', async (t) => {
  const folder = temporaryFolder(t);
  const settings = await soundSettings(t);
  const other = await issue(folder, 'other', { names: ['other.example'] });
  const wrong = { ...settings, TLS_KEY: other.key, RETRIES: 'many' };
  const { code, out } = await run(t, ['--json'], wrong);
  assert.equal(code, 78);
  const { findings } = JSON.parse(out) as JsonReport;
  assert.deepEqual(
    findings.map(({ check, severity, subject }) => [check, severity, subject]),
    [
      ['configuration', 'error', 'RETRIES'],
      ['configuration', 'error', 'TLS_KEY'],
    ],
  );
  assert.match(findings[1]!.detail, /belongs to another certificate/);
});

test('the JSON has the same form whatever is found', async (t) => {
  const settings = await soundSettings(t);
  const { code, out } = await run(t, ['--json'], { ...settings, TRUSTED_PROXIES: '0.0.0.0/0' });
  assert.equal(code, 1);
  const report = JSON.parse(out) as JsonReport;
  assert.deepEqual(Object.keys(report), ['format', 'at', 'counts', 'findings']);
  assert.equal(report.format, 1);
  assert.equal(new Date(report.at).toISOString(), report.at);
  assert.deepEqual(Object.keys(report.counts), ['ok', 'note', 'warning', 'error']);
  for (const finding of report.findings) {
    assert.deepEqual(Object.keys(finding), ['check', 'severity', 'subject', 'detail', 'remedy']);
    const { check, severity, subject, detail, remedy } = finding;
    for (const words of [check, subject, detail]) assert.match(words, /^\S/);
    assert.ok(severity === 'ok' || typeof remedy === 'string', `${subject}: ${detail}`);
  }
  for (const [severity, count] of Object.entries(report.counts)) {
    assert.equal(report.findings.filter((finding) => finding.severity === severity).length, count);
  }
  assert.deepEqual(
    [...new Set(report.findings.map(({ check }) => check))],
    [
      'configuration',
      'names',
      'certificates',
      'access',
      'listeners',
      'open-files',
      'kernel',
      'backends',
      'memcached',
      'sessions',
    ],
  );
});

test('there are colours on a terminal only, and not where NO_COLOR is set', async (t) => {
  const settings = await soundSettings(t);
  const onTerminal = async (env: Record<string, string>) => {
    const out = await printedOnTerminal(['doctor'], { ...settings, ...env });
    assert.match(out, /portal 127\.0\.0\.1:\d+: GET \/health gave 200/);
    return out;
  };
  assert.ok((await onTerminal({})).includes('\x1b[32mok'));
  assert.ok(!(await onTerminal({ NO_COLOR: '1' })).includes('\x1b'));
  assert.ok(!(await run(t, [], settings)).out.includes('\x1b'));
});

test('a limit of open files that is too low for MAX_CONNECTIONS is told with the one to set', async (t) => {
  const settings = { ...(await soundSettings(t)), MAX_CONNECTIONS: '1000' };
  const { out } = await run(t, ['--json'], settings, { openFiles: 300 });
  const { findings } = JSON.parse(out) as JsonReport;
  const [finding] = findings.filter(({ check }) => check === 'open-files');
  assert.equal(finding!.severity, 'error');
  assert.match(
    finding!.detail,
    /^300 open files .* allow 102 clients, but MAX_CONNECTIONS is 1000$/,
  );
  assert.match(finding!.remedy!, /LimitNOFILE=2096/);
  const enough = await run(t, ['--json'], settings, { openFiles: 2096 });
  const [fine] = (JSON.parse(enough.out) as JsonReport).findings.filter(
    ({ check }) => check === 'open-files',
  );
  assert.equal(fine!.severity, 'ok');
});

test('it ends within 15 s when everything hangs, and has told of all of it', async (t) => {
  const silence = createServer((socket) => socket.on('error', () => {}));
  t.after(() => silence.close());
  await once(silence.listen(0, '127.0.0.1'), 'listening');
  const { port } = silence.address() as AddressInfo;
  const nodes = await Promise.all([startMemcached(t), startMemcached(t)]);
  for (const node of nodes) await node.pause();
  const started = performance.now();
  const { code, out } = await run(t, ['--json'], {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: `http://127.0.0.1:${port} name=plain, https://127.0.0.1:${port} name=secure`,
    CONSOLE_LISTEN: '127.0.0.1:0',
    CONSOLE_BACKENDS: `http://127.0.0.1:${port} name=console`,
    HEALTH_TIMEOUT: '60s',
    CONNECT_TIMEOUT: '60s',
    MEMCACHED_SERVERS: nodes.map(({ address }) => address).join(','),
    ADMIN_LISTEN: `127.0.0.1:${port}`,
    CACHE_LISTEN: '127.0.0.1:1',
  });
  assert.ok(performance.now() - started < 15_000, `${performance.now() - started} ms`);
  assert.equal(code, 1);
  const { findings } = JSON.parse(out) as JsonReport;
  const told = (check: string) =>
    findings.filter((finding) => finding.check === check).map(({ subject }) => subject);
  assert.deepEqual(told('backends'), ['portal plain', 'portal secure', 'console console']);
  const [plain] = findings.filter(({ subject }) => subject === 'portal plain');
  assert.equal(plain!.severity, 'warning');
  assert.match(plain!.detail, /no answer within \d+ ms; the gateway waits longer/);
  assert.deepEqual(
    told('memcached'),
    nodes.map(({ address }) => address),
  );
  assert.deepEqual(
    findings.filter(({ subject }) => subject === 'the check itself'),
    [],
  );
});

test('nothing secret is printed: no session id, no key, no token', async (t) => {
  const settings = await soundSettings(t);
  const nodes = await Promise.all([startMemcached(t), startMemcached(t), startMemcached(t)]);
  const addresses = nodes.map(({ address }) => address);
  const ids = await putSessions('pylibmc', addresses, 60);
  const foreign = await putSessions('pymemcache', addresses, 60, 'other:7:');
  const key = readFileSync(settings.TLS_KEY!, 'utf8');
  const secrets = [
    ...ids,
    ...foreign,
    'token-of-the-check',
    ...key.split('\n').filter((line) => line !== '' && !line.startsWith('-----')),
  ];
  const planted = {
    ...settings,
    MEMCACHED_SERVERS: addresses.join(','),
    PORTAL_HEALTH_PATH: '/health?token=token-of-the-check',
  };
  let printed = '';
  for (const args of [[], ['--json']]) {
    for (const env of [planted, { ...planted, TLS_KEY: key, TLS_CERT: key }]) {
      const { out, err } = await run(t, args, env);
      assert.match(out, /ERROR|"error"/);
      printed += out + err;
    }
  }
  assert.match(printed, /lie where pylibmc puts them/);
  assert.match(printed, /TLS_KEY/);
  for (const secret of secrets) assert.ok(!printed.includes(secret), `${secret} was printed`);
});
