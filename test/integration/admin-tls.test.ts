import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { get, type RequestOptions } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { parseConfig } from '../../src/config.ts';
import type { CertificateFiles } from '../../src/demo/certificate.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { dashgateCommand } from '../support/command.ts';
import { findings, of, only } from '../support/doctor.ts';
import { freePorts } from '../support/free-port.ts';
import { fetchTls, gatewaySettings, temporaryFolder } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';
import { until } from '../support/until.ts';

const PASSWORD = 'correct horse battery';
const TOKEN = 'f00d'.repeat(8);

/** A gateway whose admin listener has a certificate of its own, for a name that nothing resolves to. */
async function start(t: TestContext, more: Record<string, string> = {}) {
  const folder = temporaryFolder(t);
  const files = await issue(folder, 'admin', { names: ['admin.example'] });
  const backend = await startBackend(t);
  const [port] = await freePorts(1);
  const settings = {
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: `${backend.url} name=one`,
    ADMIN_LISTEN: `127.0.0.1:${port}`,
    ADMIN_TLS: 'on',
    ADMIN_TLS_CERT: files.cert,
    ADMIN_TLS_KEY: files.key,
    ...more,
  };
  const { logger, lines } = recordingLogger();
  const gateway = await startGateway(parseConfig(settings), { logger });
  t.after(() => gateway.close());
  await gateway.checked;
  const reload = (changed: Record<string, string> = {}) =>
    gateway.reload(parseConfig({ ...settings, ...changed }));
  return { gateway, settings, files, folder, lines, reload, port: port! };
}

async function nameShownAt(port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subjectaltname } = socket.getPeerCertificate();
  socket.destroy();
  return subjectaltname;
}

/** What a plain HTTP client gets. */
async function plainAnswer(port: number): Promise<string> {
  const socket = connectPlain(port, '127.0.0.1');
  socket.on('error', () => {});
  let told = '';
  socket.on('data', (data) => {
    told += data;
  });
  socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  return told;
}

async function renew(files: CertificateFiles, folder: string, name: string): Promise<void> {
  const renewed = await issue(folder, 'renewed', { names: [name] });
  copyFileSync(renewed.cert, files.cert);
  copyFileSync(renewed.key, files.key);
}

/** The messages of an event stream as they come. */
async function watch(t: TestContext, port: number, options: RequestOptions) {
  const request = get({
    host: '127.0.0.1',
    port,
    path: '/api/events',
    rejectUnauthorized: false,
    agent: false,
    ...options,
  });
  t.after(() => request.destroy());
  const [response] = await once(request, 'response');
  let told = '';
  response.on('data', (data: Buffer) => {
    told += data;
  });
  response.on('error', () => {});
  return {
    status: response.statusCode,
    messages: () => told.split('event: state').length - 1,
    ended: () => response.readableEnded || response.destroyed,
  };
}

async function run(t: TestContext, args: readonly string[], env: Record<string, string>) {
  const command = dashgateCommand(t, args, env);
  const code = await command.exit;
  return { code, out: command.out(), err: command.err() };
}

describe('the admin listener with ADMIN_TLS', () => {
  it('speaks HTTPS with the certificate of its own, and nothing to who speaks HTTP', async (t) => {
    const { port, gateway } = await start(t);
    assert.equal((await fetchTls(port, '/healthz')).body, 'ok\n');
    assert.equal(await nameShownAt(port), 'DNS:admin.example');
    assert.match((await nameShownAt(gateway.addresses.portal!.port))!, /localhost/);
    assert.doesNotMatch(await plainAnswer(port), /ok/);
  });

  it('shows the first of TLS_CERT where it has none of its own', async (t) => {
    const { port } = await start(t, { ADMIN_TLS_CERT: '', ADMIN_TLS_KEY: '' });
    assert.match((await nameShownAt(port))!, /localhost/);
  });

  it('gives a cookie that no browser sends in plain text', async (t) => {
    const { port } = await start(t, { ADMIN_PASSWORD: PASSWORD });
    const { status, headers } = await fetchTls(port, '/login', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ password: PASSWORD }).toString(),
    });
    assert.equal(status, 303);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    assert.match(cookie, /^dashgate_admin=.*; HttpOnly; Secure; SameSite=Strict$/);
    const state = { headers: { cookie: cookie.split(';')[0]! } };
    assert.equal((await fetchTls(port, '/api/state', state)).status, 200);
  });

  it('shows a renewed certificate after a reload, and ends nothing that is open', async (t) => {
    const { port, files, folder, reload } = await start(t, { ADMIN_TOKEN: TOKEN });
    const stream = await watch(t, port, { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal(stream.status, 200);
    await until('it is told something', () => stream.messages() > 0);
    await renew(files, folder, 'renewed.example');
    assert.equal(await nameShownAt(port), 'DNS:admin.example');
    await reload();
    assert.equal(await nameShownAt(port), 'DNS:renewed.example');
    const told = stream.messages();
    await until('it is told more', () => stream.messages() > told);
    assert.equal(stream.ended(), false);
  });

  it('changes between HTTP and HTTPS on the same address by a reload', async (t) => {
    const { port, reload } = await start(t);
    const plain = { ADMIN_TLS: 'off', ADMIN_TLS_CERT: '', ADMIN_TLS_KEY: '' };
    await reload(plain);
    assert.match(await plainAnswer(port), /^HTTP\/1\.1 200 [\s\S]*ok\n$/);
    await reload();
    assert.equal((await fetchTls(port, '/healthz')).body, 'ok\n');
  });

  it('stays as it was where the key is of another certificate', async (t) => {
    const { port, files, folder, reload } = await start(t);
    const other = await issue(folder, 'other', { names: ['other.example'] });
    copyFileSync(other.cert, files.cert);
    await assert.rejects(async () => reload(), /ADMIN_TLS_KEY=.* than ADMIN_TLS_CERT/);
    assert.equal(await nameShownAt(port), 'DNS:admin.example');
  });
});

describe('commands with ADMIN_TLS', () => {
  it('trust the certificate of the settings, whatever its name', async (t) => {
    const { settings } = await start(t, { ADMIN_TOKEN: TOKEN, MEMCACHED_SERVERS: '127.0.0.1:9' });
    const status = await run(t, ['status', '--json'], settings);
    assert.equal(JSON.parse(status.out).state?.services[0].name, 'portal', status.out);
    const drained = await run(t, ['drain', 'portal/one', '--this-gateway'], settings);
    assert.deepEqual([drained.code, drained.err], [0, '']);
  });

  it('show the token to nobody else, and say what helps', async (t) => {
    const { settings, files, folder, port } = await start(t, { ADMIN_TOKEN: TOKEN });
    const there = ['--admin', `https://127.0.0.1:${port}`];
    const stranger = await run(t, ['status', ...there], { ADMIN_TOKEN: TOKEN });
    assert.equal(stranger.code, 2);
    assert.match(stranger.err, /cannot be trusted.*\n.*--ca FILE/);
    const told = await run(t, ['status', ...there, '--ca', files.cert], { ADMIN_TOKEN: TOKEN });
    assert.match(told.out, /portal/, told.err);
    await renew(files, folder, 'admin.example');
    const renewed = await run(t, ['status'], settings);
    assert.equal(renewed.code, 2);
    assert.match(renewed.err, /kill -HUP/);
    const plain = await run(t, ['status', '--admin', `http://127.0.0.1:${port}`], {});
    assert.match(plain.err, /ADMIN_TLS=on/);
  });

  it('take a --ca that is of use only', async (t) => {
    const url = 'https://127.0.0.1:9';
    const none = await run(t, ['status', '--admin', url, '--ca', '/nowhere.pem'], {});
    assert.equal(none.code, 64);
    assert.match(none.err, /--ca \/nowhere\.pem has no certificate .*PEM/);
    const plain = await run(t, ['status', '--ca', '/nowhere.pem'], {});
    assert.equal(plain.code, 64);
    assert.match(plain.err, /--ca is for https/);
  });
});

describe('the doctor on ADMIN_TLS', () => {
  it('finds the gateway, and a certificate that has been renewed but is not shown', async (t) => {
    const { settings, files, folder } = await start(t, { ADMIN_TOKEN: TOKEN });
    const well = await findings(t, settings);
    assert.equal(only(of(well, 'served-certificates', 'ADMIN_LISTEN')).severity, 'ok');
    assert.equal(only(of(well, 'listeners', 'ADMIN_LISTEN')).severity, 'ok');
    assert.match(of(well, 'certificates', files.cert)[0]!.detail, /admin\.example/);
    await renew(files, folder, 'admin.example');
    const stale = only(of(await findings(t, settings), 'served-certificates', 'ADMIN_LISTEN'));
    assert.equal(stale.severity, 'warning');
    assert.match(stale.detail, /none of ADMIN_TLS_CERT/);
  });

  it('warns of a password or token that goes over the network as plain text', async (t) => {
    const beyond = { ADMIN_LISTEN: '0.0.0.0:0', ADMIN_TOKEN: TOKEN };
    const plain = only(of(await findings(t, beyond), 'access', 'ADMIN_LISTEN'));
    assert.equal(plain.severity, 'warning');
    assert.match(`${plain.detail} ${plain.remedy}`, /token goes .* plain text .*ADMIN_TLS=on/);
    const secure = of(await findings(t, { ...beyond, ADMIN_TLS: 'on' }), 'access', 'ADMIN_LISTEN');
    assert.deepEqual(
      [only(secure).severity, only(secure).detail.includes('plain')],
      ['note', false],
    );
  });
});
