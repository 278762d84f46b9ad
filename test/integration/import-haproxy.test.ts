import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseEnv } from 'node:util';
import { parseConfig } from '../../src/config.ts';
import { type Gateway, startGateway } from '../../src/gateway/gateway.ts';
import { runImport } from '../../src/import-haproxy/command.ts';
import { wordsOf } from '../../src/import-haproxy/line.ts';
import { silentLogger } from '../../src/log.ts';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { dashgateCommand } from '../support/command.ts';
import { fetchTls, temporaryFolder } from '../support/gateway.ts';
import { fixture, fixturePath } from '../support/import-haproxy.ts';
import { openWebSocket, startWebSocketBackend } from '../support/websocket.ts';

/** Runs the command on files, in this process. */
function run(args: readonly string[], env: Record<string, string> = {}) {
  return runImport(args, (name) => env[name]);
}

/** A file in a folder of its own. */
function written(t: TestContext, text: string | Buffer, name = 'haproxy.cfg'): string {
  const file = join(temporaryFolder(t), name);
  writeFileSync(file, text);
  return file;
}

/** What HAProxy itself says of a file. */
function haproxy(...args: readonly string[]) {
  const { status, stderr } = spawnSync('/usr/sbin/haproxy', [...args], { encoding: 'utf8' });
  return { status, stderr };
}

/** A fixture whose certificates are files that there are: key and certificate in one, as HAProxy has them. */
async function localized(t: TestContext, name: string): Promise<string> {
  const folder = temporaryFolder(t);
  const paths = new Map<string, string>();
  const text = fixture(name);
  const found = text.match(/\/etc\/(?:haproxy|pki)\/\S+\.pem/g) ?? [];
  for (const [number, path] of [...new Set(found)].entries()) {
    const keyType = path.endsWith('_rsa.pem') ? 'rsa' : 'ec';
    const pair = await issue(folder, `pair-${number}`, { names: ['localhost'], keyType });
    const both = join(folder, `both-${number}.pem`);
    writeFileSync(both, readFileSync(pair.key, 'utf8') + readFileSync(pair.cert, 'utf8'), {
      mode: 0o600,
    });
    paths.set(path, both);
  }
  const [, both = ''] = [...paths][0] ?? [];
  writeFileSync(join(folder, 'internal-ca.pem'), both ? readFileSync(both) : '');
  const moved = text.replace('ca-base /etc/haproxy/ssl', `ca-base ${folder}`);
  return written(
    t,
    moved.replace(/\/etc\/(?:haproxy|pki)\/\S+\.pem/g, (path) => paths.get(path)!),
  );
}

test('the files of HAProxy 2.x are such that HAProxy takes them, and so does Dashgate what comes of them', async (t) => {
  for (const name of ['kolla', 'openstack-ansible', 'tripleo', 'limits', 'nothing']) {
    const file = await localized(t, name);
    const { status, stderr } = haproxy('-c', '-f', file);
    assert.equal(status, 0, `${name}: ${stderr}`);
    if (name === 'nothing') continue;
    const { code, out } = run([file]);
    assert.equal(code, 0);
    const config = parseConfig(parseEnv(out));
    assert.ok(config.PORTAL_BACKENDS.length > 1 && config.keyPairs.length > 0, name);
  }
});

test('lines are cut into words as HAProxy cuts them', (t) => {
  const lines = [
    String.raw`.notice a\ b\#c\\d\'e\"f`,
    String.raw`.notice "a b\"c'd#e\$f\\g"`,
    String.raw`.notice 'a b"c#d\e$f'`,
    String.raw`.notice x"y z"'w "v'u\ t # comment`,
    String.raw`.notice \x41\.\1(x)`,
    `.notice "$${'{NOPE-default}$HOST/"$HOST'}`,
    String.raw`.notice "a\ b\#c\'d\qe"`,
    '.notice a#b c',
    String.raw`.notice b\q\$x`,
    String.raw`.notice ^Location:\ http://(.*)\.\1`,
    '  .notice\tx\\"\\\'y  ',
  ].map((line) => line.replace('$${', '$' + '{'));
  const file = written(t, `${lines.join('\n')}\n`);
  process.env.HOST = 'a.example';
  t.after(() => delete process.env.HOST);
  const { stderr } = haproxy('-c', '-f', file);
  for (const [index, line] of lines.entries()) {
    const { words } = wordsOf(line, (name) => (name === 'HOST' ? 'a.example' : undefined));
    assert.ok(
      stderr.includes(`parsing [${file}:${index + 1}]: '${words[1]}'.`),
      `${line} became ${JSON.stringify(words)}; HAProxy: ${stderr}`,
    );
  }
});

/** Fills in what is to be filled in, and moves listeners to free ports, as one may with a copy. */
async function startImported(t: TestContext, env: string): Promise<Gateway> {
  const { cert, key } = await issue(temporaryFolder(t), 'vip', { names: ['localhost'] });
  const settings = parseEnv(env);
  const moved = Object.keys(settings).filter((name) => /_LISTEN$/.test(name) && settings[name]);
  const config = parseConfig({
    ...settings,
    ...Object.fromEntries(moved.map((name) => [name, '127.0.0.1:0'])),
    TLS_CERT: cert,
    TLS_KEY: key,
    ADMIN_LISTEN: '127.0.0.1:0',
    CACHE_LISTEN: '',
    // Nothing listens there: forwarding must not need memcached.
    MEMCACHED_SERVERS: '127.0.0.1:9',
    WORKERS: '0',
    HEALTH_INTERVAL: '50ms',
    SHUTDOWN_TIMEOUT: '2s',
  });
  const gateway = await startGateway(config, { logger: silentLogger });
  t.after(() => gateway.close());
  await gateway.checked;
  return gateway;
}

test('what is imported from the old two-service file then serves portal and console', async (t) => {
  const dashboards = [];
  const consoles = [];
  let text = fixture('legacy-1.4').replaceAll('controller-public', '127.0.0.1');
  for (const number of [1, 2, 3]) {
    const dashboard = await startBackend(t, (_req, res) => void res.end(`page of ${number}`));
    const console = await startWebSocketBackend(t, `console ${number}`);
    text = text
      .replaceAll(`controller0${number}:80`, `127.0.0.1:${dashboard.port}`)
      .replaceAll(`controller0${number}:6080`, new URL(console.url).host);
    dashboards.push(dashboard);
    consoles.push(console);
  }
  const { code, out } = run([written(t, text)]);
  assert.equal(code, 0);
  const gateway = await startImported(t, out);
  const { port } = gateway.addresses.portal!;
  const pages = new Set<string>();
  for (let i = 0; i < 3; i += 1) {
    const answer = await fetchTls(port, '/dashboard/');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['set-cookie'], undefined);
    pages.add(answer.body);
  }
  assert.equal(pages.size, 3, 'no cookie keeps a client at one dashboard');
  assert.equal((await fetchTls(port, '/server-status')).status, 403);

  const greetings = new Set<string>();
  for (let i = 0; i < 3; i += 1) {
    const { port } = gateway.addresses.console!;
    // A console of its own each time, since one that is opened again may find its backend again.
    const { greeting } = await openWebSocket(t, port, `/websockify?token=t${i}`);
    greetings.add(greeting);
  }
  assert.equal(greetings.size, 3, 'all consoles take websockets');
  assert.equal((await fetchTls(gateway.addresses.console!.port, '/vnc_lite.html')).body, 'page');
});

test('what is imported with TLS and PROXY protocol to backends and sticky cookies then serves', async (t) => {
  const folder = temporaryFolder(t);
  const certificate = await issue(folder, 'inside', { names: ['dash.internal'] });
  const one = await startBackend(t, (_req, res) => void res.end('one'), certificate);
  const two = await startBackend(t, (_req, res) => void res.end('two'), certificate);
  const server = (name: string, port: number) =>
    `  server ${name} 127.0.0.1:${port} ssl ca-file ${certificate.cert} sni str(dash.internal) check cookie c-${name}\n`;
  const file = written(
    t,
    `defaults\n  mode http\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n` +
      `listen horizon\n  bind 127.0.0.1:8443 ssl crt ${certificate.cert}\n  option httpchk GET /health\n` +
      `  cookie KEEP insert indirect nocache\n${server('one', one.port)}${server('two', two.port)}`,
  );
  const { code, out } = run(['--keep-affinity', file]);
  assert.equal(code, 0);
  const gateway = await startImported(t, out);
  const { port } = gateway.addresses.portal!;
  const first = await fetchTls(port, '/x');
  const [cookie = ''] = first.headers['set-cookie'] ?? [];
  assert.match(cookie, new RegExp(`^KEEP=c-${first.body}; `));
  for (let i = 0; i < 4; i += 1) {
    const again = await fetchTls(port, '/x', { headers: { cookie: cookie.split(';')[0]! } });
    assert.equal(again.body, first.body);
  }
});

test('the .env is on standard output and the list on standard error, or both in the .env', async (t) => {
  const command = dashgateCommand(t, ['import-haproxy', fixturePath('kolla')]);
  assert.equal(await command.exit, 0);
  assert.equal(parseEnv(command.out()).PORTAL_LISTEN, '192.0.2.10:443');
  assert.match(command.err(), /^\d+ of \d+ lines are carried over, \d+ are not\.$/m);
  assert.match(command.err(), /^ {6}83 {2}http-response set-header X-Frame-Options SAMEORIGIN$/m);
  const together = run(['--comments', fixturePath('kolla')]);
  assert.equal(together.err, '');
  assert.deepEqual(parseEnv(together.out), parseEnv(command.out()));
  assert.match(together.out, /^# +83 {2}http-response set-header X-Frame-Options SAMEORIGIN$/m);

  const failing = dashgateCommand(t, ['import-haproxy', fixturePath('nothing')]);
  assert.equal(await failing.exit, 65);
  assert.match(failing.err(), /^dashgate: .*none of its sections/);
});

test('several files and folders are read as by HAProxy, and variables are those of the environment', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'services.d'));
  writeFileSync(join(folder, 'haproxy.cfg'), 'defaults\n  mode http\n  timeout server 42s\n');
  writeFileSync(
    join(folder, 'services.d', 'b.cfg'),
    'backend horizon-back\n  server one 10.0.0.11:80\n',
  );
  writeFileSync(
    join(folder, 'services.d', 'a.cfg'),
    'frontend horizon\n  bind "$VIP:443" ssl crt /x.pem\n  default_backend horizon-back\n  unheard of\n',
  );
  writeFileSync(join(folder, 'services.d', 'left-out.cfg.bak'), 'frontend dashboard2\n');
  const files = [join(folder, 'haproxy.cfg'), join(folder, 'services.d')];
  const { code, out, err } = run(files, { VIP: '10.0.0.1' });
  assert.equal(code, 0, err);
  const env = parseEnv(out);
  assert.equal(env.PORTAL_LISTEN, '10.0.0.1:443');
  assert.equal(env.PORTAL_BACKENDS, 'http://10.0.0.11:80 name=one');
  assert.equal(env.SERVER_TIMEOUT, '42s');
  assert.match(err, /services\.d\/a\.cfg:4 {2}unheard of/);
});

test('each way to fail has its message and exit code', () => {
  const help = run(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /Usage: dashgate import-haproxy .*FILE/);
  for (const args of [[], ['--sideways', 'x']]) {
    const { code, err, out } = run(args);
    assert.equal(code, 64);
    assert.match(err, /Usage: dashgate import-haproxy/);
    assert.equal(out, '');
  }
  const missing = run(['/none/haproxy.cfg']);
  assert.equal(missing.code, 66);
  assert.match(missing.err, /\/none\/haproxy\.cfg cannot be read \(ENOENT.*name another file/);
  const nothing = run([fixturePath('nothing')]);
  assert.equal(nothing.code, 65);
  assert.match(nothing.err, /none of its sections.*--portal NAME/);
  assert.equal(nothing.out, '');
  const unknown = run(['--portal', 'web', fixturePath('kolla')]);
  assert.equal(unknown.code, 65);
  assert.match(unknown.err, /--portal web: there is no such/);
});

test('binary, huge and endless files are refused with a reason', (t) => {
  const binary = run([written(t, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]))]);
  assert.equal(binary.code, 65);
  assert.match(binary.err, /is no text/);
  const huge = written(t, 'x');
  truncateSync(huge, 100 * 1024 * 1024);
  for (const name of [huge, '/dev/zero']) {
    const { code, err } = run([name]);
    assert.equal(code, 65);
    assert.match(err, /makes more than 2 MiB/);
  }
  const line = run([written(t, `listen horizon\n ${'x'.repeat(1_500_000)}\n server one h:80\n`)]);
  assert.equal(line.code, 0);
  assert.match(line.err, /longer than 65536 characters/);
  assert.ok(line.err.length < 2000);
});
