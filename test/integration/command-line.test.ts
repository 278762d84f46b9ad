import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { demoCertificate } from '../../src/demo/certificate.ts';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand, printed } from '../support/command.ts';
import { fetchTls, gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { until } from '../support/until.ts';

test('start without settings tells everything that is missing and exits with 78', async (t) => {
  const command = dashgateCommand(t, ['start'], {}, { cwd: temporaryFolder(t) });
  assert.equal(await command.exit, 78);
  for (const name of ['PORTAL_BACKENDS', 'CONSOLE_BACKENDS', 'TLS_CERT', 'TLS_KEY']) {
    assert.match(command.err(), new RegExp(`^ {2}${name} has to be set: .+`, 'm'));
  }
  assert.equal(command.out(), '');
});

test('settings come from .env, the environment comes first, and a slip in .env is told', async (t) => {
  const folder = temporaryFolder(t);
  const settings = { ...(await gatewaySettings(t)), PORTAL_BACKENDS: 'http://127.0.0.1:9' };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  writeFileSync(join(folder, '.env'), lines.join('\n'));
  const sound = dashgateCommand(t, ['check'], {}, { cwd: folder });
  assert.equal(await sound.exit, 0, sound.err());
  assert.match(sound.out(), /is sound.*DNS:localhost/);

  const overruled = dashgateCommand(t, ['check'], { RETRIES: 'many' }, { cwd: folder });
  assert.equal(await overruled.exit, 78);
  assert.match(overruled.err(), /RETRIES=many is not a whole number/);

  writeFileSync(join(folder, 'other.env'), `${lines.join('\n')}\nPORTAL_BACKEND=x\n`);
  const slip = dashgateCommand(t, ['check', '--config', 'other.env'], {}, { cwd: folder });
  assert.equal(await slip.exit, 78);
  assert.match(
    slip.err(),
    /PORTAL_BACKEND in other.env is not a setting; did you mean PORTAL_BACKENDS/,
  );

  const nowhere = dashgateCommand(t, ['check', '--config', 'none.env'], {}, { cwd: folder });
  assert.equal(await nowhere.exit, 78);
  assert.match(nowhere.err(), /none\.env cannot be read/);
});

test('wrong usage is told, with how to do it right, and exits with 64', async (t) => {
  for (const [args, usage] of [
    [['fly'], /Usage: dashgate COMMAND/],
    [['--sideways'], /Usage: dashgate COMMAND/],
    [['start', 'now'], /Usage: dashgate start /],
    [['status', '--url', 'x'], /^dashgate: Unknown option '--url'\n\nUsage: dashgate status /],
    [
      ['status', '--admin'],
      /^dashgate: Option '--admin <value>' argument missing\n\nUsage: dashgate status /,
    ],
    [
      ['import-haproxy', '--all'],
      /^dashgate: Unknown option '--all'\n\nUsage: dashgate import-haproxy /,
    ],
    [['check', '--json'], /check takes no --json\n\nUsage: dashgate check /],
  ] as const) {
    const command = dashgateCommand(t, args);
    assert.equal(await command.exit, 64, args.join(' '));
    assert.match(command.err(), usage);
  }
});

test('help tells of all commands, or of one, and exits with 0', async (t) => {
  for (const [args, usage] of [
    [['--help'], /^Usage: dashgate COMMAND/],
    [['drain', '--help'], /^Usage: dashgate drain /],
    [['help', 'weight'], /^Usage: dashgate weight /],
    [['help', 'import-haproxy'], /^Usage: dashgate import-haproxy /],
  ] as const) {
    const command = dashgateCommand(t, args);
    assert.equal(await command.exit, 0, args.join(' '));
    assert.match(command.out(), usage);
  }
});

test('a port in use is told by its setting and exits with 69', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const command = dashgateCommand(t, ['start'], {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: 'http://127.0.0.1:9',
    ADMIN_LISTEN: `127.0.0.1:${port}`,
    LOG_LEVEL: 'silent',
  });
  assert.equal(await command.exit, 69);
  assert.match(command.err(), new RegExp(`ADMIN_LISTEN=127\\.0\\.0\\.1:${port} is in use`));
});

test('the gateway serves with memcached down, says so once, and SIGTERM lets requests finish', async (t) => {
  const held: (() => void)[] = [];
  const backend = await startBackend(t, (req, res) => {
    if (req.url === '/slow') held.push(() => res.end('finished'));
    else res.end('quick');
  });
  const command = dashgateCommand(t, ['start'], {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: backend.url,
    SHUTDOWN_TIMEOUT: '10s',
  });
  await printed(command, '"listener":"admin"');
  const logged = () =>
    command
      .out()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  await until('the node is reported', () =>
    logged().some(({ msg }) => msg === 'memcached node is unavailable'),
  );
  const portOf = (name: string) => logged().find(({ listener }) => listener === name).port;
  const portal = portOf('portal');
  assert.equal((await fetchTls(portal, '/x')).body, 'quick');

  const ready = await fetch(`http://127.0.0.1:${portOf('admin')}/readyz`);
  assert.equal(ready.status, 200);
  const state = await (await fetch(`http://127.0.0.1:${portOf('admin')}/api/state`)).json();
  assert.equal((state as { memcached: { state: string }[] }).memcached[0]?.state, 'down');

  const slow = fetchTls(portal, '/slow');
  await until('the slow request is under way', () => held.length === 1);
  command.child.kill('SIGTERM');
  await until('new connections are refused', async () =>
    fetchTls(portal, '/x').then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
    ),
  );
  held[0]!();
  assert.equal((await slow).body, 'finished');
  assert.equal(await command.exit, 0);
  assert.equal(logged().filter(({ msg }) => msg === 'memcached node is unavailable').length, 1);
  // Lines are held back for a moment: not beyond the end.
  assert.equal(logged().findLast(({ msg }) => msg === 'request').path, '/slow');
});

test('SIGHUP takes new certificates without a dropped connection, and changes nothing if they cannot be used', async (t) => {
  const backend = await startBackend(t);
  const folder = temporaryFolder(t);
  const { cert, key } = await demoCertificate(folder);
  const command = dashgateCommand(t, ['start'], {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: backend.url,
    TLS_CERT: cert,
    TLS_KEY: key,
  });
  await printed(command, '"listener":"admin"');
  const [, port] = /"listener":"portal".*?"port":(\d+)/.exec(command.out())!;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  t.after(() => agent.destroy());
  const serial = async () => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  assert.equal((await fetchTls(Number(port), '/x', { agent })).status, 200);
  const first = await serial();

  writeFileSync(cert, 'no certificate');
  command.child.kill('SIGHUP');
  await printed(command, 'the configuration stays as it was');
  assert.equal(await serial(), first);

  const next = await demoCertificate(temporaryFolder(t));
  writeFileSync(cert, readFileSync(next.cert));
  writeFileSync(key, readFileSync(next.key));
  command.child.kill('SIGHUP');
  await printed(command, 'the configuration was read anew');
  assert.notEqual(await serial(), first);
  const last = await fetchTls(Number(port), '/x', { agent });
  assert.equal(last.status, 200);
  assert.equal(last.headers.connection, 'close', 'the connection from before had one more request');
});
