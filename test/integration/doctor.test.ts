import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { storeRequest } from '../../src/memcached/byte-requests.ts';
import { Connection } from '../../src/memcached/connection.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { findings, of, only } from '../support/doctor.ts';
import { freePorts } from '../support/free-port.ts';
import { gatewaySettings, startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { startMemcached } from '../support/memcached.ts';

const DAY_MS = 24 * 3_600_000;

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

/** Listens on a port of loopback and never says a word. */
async function startSilence(t: TestContext): Promise<number> {
  const server: Server = createServer((socket) => socket.on('error', () => {}));
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('the doctor on backends', () => {
  it('tells by which check each answers, or why it does not', async (t) => {
    const well = await startBackend(t);
    const refusing = await startBackend(t);
    await refusing.kill();
    const silent = await startSilence(t);
    const found = await findings(t, {
      PORTAL_BACKENDS: `${well.url} name=well, ${refusing.url} name=refusing, http://127.0.0.1:${silent} name=silent`,
      HEALTH_TIMEOUT: '400ms',
    });
    const [answer, clock] = of(found, 'backends', 'portal well');
    assert.equal(answer!.severity, 'ok');
    assert.match(answer!.detail, /^GET \/health gave 200, in \d+ ms$/);
    assert.match(clock!.detail, /^its clock is within .* of that of this host$/);
    const refused = only(of(found, 'backends', 'portal refusing'));
    assert.equal(refused.severity, 'error');
    assert.match(refused.detail, /ECONNREFUSED/);
    assert.match(refused.remedy!, /start it/);
    const hanging = only(of(found, 'backends', 'portal silent'));
    assert.equal(hanging.severity, 'error');
    assert.match(hanging.detail, /no answer within 400 ms/);
    const subjects = of(found, 'backends').map(({ subject }) => subject);
    assert.deepEqual([...new Set(subjects)], ['portal well', 'portal refusing', 'portal silent']);
  });

  it('names the setting that a wrong status points to, and no query of a path', async (t) => {
    const backend = await startBackend(t, (_req, res) => void res.writeHead(400).end());
    const found = await findings(t, {
      PORTAL_BACKENDS: backend.url,
      PORTAL_HEALTH_PATH: '/login/?token=of-its-own',
    });
    const finding = only(of(found, 'backends'));
    assert.match(finding.detail, /^GET \/login\/ gave 400, in \d+ ms$/);
    assert.match(finding.remedy!, /PORTAL_HEALTH_HOST .*ALLOWED_HOSTS/);
  });

  it('sees a clock that is wrong by the Date of an answer', async (t) => {
    for (const [seconds, severity, words] of [
      [-20, 'warning', /its clock is (19|20|21) s behind/],
      [900, 'error', /its clock is (899|900|901) s ahead of/],
    ] as const) {
      const backend = await startBackend(t, (_req, res) => {
        res.setHeader('date', new Date(Date.now() + seconds * 1_000).toUTCString());
        res.end();
      });
      const found = await findings(t, { PORTAL_BACKENDS: `${backend.url} name=skewed` });
      const [, clock] = of(found, 'backends', 'portal skewed');
      assert.equal(clock!.severity, severity);
      assert.match(clock!.detail, words);
      assert.match(clock!.remedy!, /chrony/);
    }
  });

  it('tells what their certificates are worth', async (t) => {
    const folder = temporaryFolder(t);
    const names = ['127.0.0.1'];
    const start = async (name: string, options: Partial<Parameters<typeof issue>[2]>) => {
      const files = await issue(folder, name, { names, ...options });
      const { url } = await startBackend(t, undefined, files);
      return `${url} name=${name}`;
    };
    const backends = [
      `${await start('good', { notAfter: daysFromNow(90) })} ca=${folder}/good.pem`,
      `${await start('soon', { notAfter: daysFromNow(10) })} ca=${folder}/soon.pem`,
      `${await start('old', { notBefore: daysFromNow(-9), notAfter: daysFromNow(-2) })} ca=${folder}/old.pem`,
      `${await start('other', { names: ['elsewhere.example'] })} ca=${folder}/other.pem`,
      `${await start('unknown', {})}`,
      `${await start('careless', { names: ['elsewhere.example'] })} verify=off`,
    ];
    const found = await findings(t, { PORTAL_BACKENDS: backends.join(', ') });
    const certificate = (name: string) => of(found, 'backends', `portal ${name}`)[0]!;
    assert.equal(certificate('good').severity, 'ok');
    assert.match(
      certificate('good').detail,
      /for IP Address:127\.0\.0\.1: it is valid until .* 8\d days/,
    );
    assert.equal(certificate('soon').severity, 'warning');
    assert.match(certificate('old').detail, /expired/);
    assert.match(certificate('old').remedy!, /renew it/);
    assert.match(certificate('other').remedy!, /sni=NAME/);
    assert.match(certificate('unknown').remedy!, /ca=FILE/);
    for (const name of ['old', 'other', 'unknown']) {
      assert.equal(only(of(found, 'backends', `portal ${name}`)).severity, 'error', name);
    }
    const careless = certificate('careless');
    assert.equal(careless.severity, 'warning');
    assert.match(careless.detail, /not verified \(verify=off\), and would be refused/);
    const [, health] = of(found, 'backends', 'portal careless');
    assert.match(health!.detail, /gave 200/);
  });

  it('asks nothing of one whose name does not resolve, and says so of the name once', async (t) => {
    const found = await findings(t, { PORTAL_BACKENDS: 'http://nowhere.invalid:80 name=lost' });
    const name = only(of(found, 'names', 'nowhere.invalid'));
    assert.equal(name.severity, 'error');
    assert.match(name.detail, /named by portal backend lost/);
    assert.match(only(of(found, 'backends')).detail, /its name does not resolve/);
  });
});

describe('the doctor on own certificates', () => {
  const examined = async (t: TestContext, options: Partial<Parameters<typeof issue>[2]>) => {
    const folder = temporaryFolder(t);
    const files = await issue(folder, 'own', { names: ['dash.example'], ...options });
    const found = await findings(t, { TLS_CERT: files.cert, TLS_KEY: files.key });
    return of(found, 'certificates', files.cert);
  };

  it('tells names and end, and warns in the last thirty days', async (t) => {
    const [good] = await examined(t, { notAfter: daysFromNow(40) });
    assert.equal(good!.severity, 'ok');
    assert.match(good!.detail, /39 days from now, for DNS:dash\.example/);
    const [soon] = await examined(t, { notAfter: daysFromNow(29) });
    assert.equal(soon!.severity, 'warning');
    const [over] = await examined(t, { notBefore: daysFromNow(-9), notAfter: daysFromNow(-2) });
    assert.equal(over!.severity, 'error');
    assert.match(over!.detail, /has expired on .*, 2 days ago/);
    const [early] = await examined(t, { notBefore: daysFromNow(2), notAfter: daysFromNow(60) });
    assert.equal(early!.severity, 'error');
    assert.match(early!.remedy!, /clocks/);
  });

  it('warns of one that is self-signed, and of one without names', async (t) => {
    const [, chain] = await examined(t, {});
    assert.equal(chain!.severity, 'warning');
    assert.match(chain!.detail, /self-signed/);
    const [, unnamed] = await examined(t, { names: [] });
    assert.equal(unnamed!.severity, 'error');
    assert.match(unnamed!.detail, /subjectAltName/);
  });

  it('refuses a key that others may read, and warns of it where that is allowed', async (t) => {
    const { key, cert } = await issue(temporaryFolder(t), 'open', { names: ['dash.example'] });
    chmodSync(key, 0o644);
    const pair = { TLS_CERT: cert, TLS_KEY: key };
    const refused = only(await findings(t, pair));
    assert.equal(refused.severity, 'error');
    assert.match(refused.detail, /mode 0644.*chmod 600.*TLS_KEY_PERMISSIONS=any/);
    const allowed = await findings(t, { ...pair, TLS_KEY_PERMISSIONS: 'any' });
    const finding = only(of(allowed, 'certificates', key));
    assert.equal(finding.severity, 'warning');
    assert.match(finding.detail, /mode 0644/);
    assert.match(finding.remedy!, /^run chmod 600/);
  });
});

describe('the doctor on this host', () => {
  it('tells which address cannot be listened on, and why', async (t) => {
    const taken = await startSilence(t);
    const [free] = await freePorts(1);
    const found = await findings(t, {
      PORTAL_LISTEN: `127.0.0.1:${taken}`,
      PORTAL_REDIRECT_LISTEN: '192.0.2.1:80',
      ADMIN_LISTEN: `127.0.0.1:${free}`,
    });
    const portal = only(of(found, 'listeners', 'PORTAL_LISTEN'));
    assert.equal(portal.severity, 'error');
    assert.match(portal.detail, /is in use by another program/);
    const redirect = only(of(found, 'listeners', 'PORTAL_REDIRECT_LISTEN'));
    assert.equal(redirect.severity, 'warning');
    assert.match(redirect.remedy!, /ip_nonlocal_bind=1\); else choose one that is/);
    assert.equal(only(of(found, 'listeners', 'ADMIN_LISTEN')).severity, 'ok');
  });

  it('warns of an admin listener and of trust that are open to everybody', async (t) => {
    const found = await findings(t, {
      ADMIN_LISTEN: '0.0.0.0:0',
      ADMIN_TOKEN: 't'.repeat(32),
      TRUSTED_PROXIES: '10.0.0.0/8,0.0.0.0/0',
      PROXY_PROTOCOL_FROM: '::/0',
      CACHE_LISTEN: '0.0.0.0:0',
      CACHE_ALLOW: '0.0.0.0/1',
    });
    const access = of(found, 'access').map(({ subject, severity }) => `${subject} ${severity}`);
    assert.deepEqual(access, [
      'ADMIN_LISTEN warning',
      'TRUSTED_PROXIES error',
      'PROXY_PROTOCOL_FROM error',
      'CACHE_ALLOW warning',
    ]);
    const safe = await findings(t, { TRUSTED_PROXIES: '10.0.0.0/8' });
    assert.deepEqual(
      of(safe, 'access').map(({ subject, severity }) => `${subject} ${severity}`),
      ['ADMIN_LISTEN ok', 'TRUSTED_PROXIES ok'],
    );
  });

  it('knows what a running gateway has in use, and whether its session cache is used', async (t) => {
    const [portal, admin, cache] = (await freePorts(3)) as [number, number, number];
    const node = await startMemcached(t);
    const own = await gatewaySettings(t);
    const settings = {
      ...own,
      PORTAL_BACKENDS: 'http://127.0.0.1:9',
      PORTAL_LISTEN: `127.0.0.1:${portal}`,
      ADMIN_LISTEN: `127.0.0.1:${admin}`,
      CACHE_LISTEN: `127.0.0.1:${cache}`,
      MEMCACHED_SERVERS: node.address,
    };
    await startTestGateway(t, settings);
    const found = await findings(t, settings);
    assert.deepEqual(
      of(found, 'listeners').map(({ subject, severity }) => `${subject} ${severity}`),
      ['PORTAL_LISTEN ok', 'CACHE_LISTEN ok', 'ADMIN_LISTEN ok'],
    );
    assert.match(of(found, 'listeners')[0]!.detail, /in use while a Dashgate runs/);
    const unused = only(of(found, 'session-cache'));
    assert.match(unused.detail, /answers as memcached .*, but no dashboard has used it/);
    assert.equal(only(of(found, 'served-certificates')).severity, 'ok');

    const connection = new Connection(parseNode(`127.0.0.1:${cache}`), { timeoutMs: 5_000 });
    t.after(() => connection.close());
    await connection.request(storeRequest('set', ':1:x', Buffer.from('x'), 0, 0));
    const renewed = await issue(temporaryFolder(t), 'renewed', { names: ['127.0.0.1'] });
    copyFileSync(renewed.cert, own.TLS_CERT!);
    copyFileSync(renewed.key, own.TLS_KEY!);
    const later = await findings(t, { ...settings, PORTAL_PLAIN_LISTEN: '127.0.0.1:0' });
    const used = only(of(later, 'session-cache'));
    assert.equal(used.severity, 'ok');
    assert.match(used.detail, /has been used: 1 reads and writes/);
    const stale = only(of(later, 'served-certificates'));
    assert.equal(stale.severity, 'warning');
    assert.match(stale.remedy!, /kill -HUP/);
  });

  it('speaks TLS with a session cache that does', async (t) => {
    const [admin, cache] = (await freePorts(2)) as [number, number];
    const node = await startMemcached(t);
    const settings = {
      ADMIN_LISTEN: `127.0.0.1:${admin}`,
      CACHE_LISTEN: `127.0.0.1:${cache}`,
      CACHE_TLS: 'on',
      MEMCACHED_SERVERS: node.address,
      PORTAL_BACKENDS: 'http://127.0.0.1:9',
    };
    await startTestGateway(t, settings);
    const finding = only(of(await findings(t, settings), 'session-cache'));
    assert.match(finding.detail, /answers as memcached/);
  });
});
