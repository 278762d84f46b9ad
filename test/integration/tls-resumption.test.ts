import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { issue } from '../support/certificates.ts';
import { startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { scrape } from '../support/metrics.ts';
import { type Visit, visit } from '../support/tls-visit.ts';
import { until } from '../support/until.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const NAMES = ['cloud.example', 'console.example'] as const;
const SECRET = 'the secret of all gateways, 32 and more';

/** Every kind of client: each version of TLS, each certificate. */
const CLIENTS = VERSIONS.flatMap((version) =>
  NAMES.map((servername) => ({ minVersion: version, maxVersion: version, servername })),
);

let certificates: Record<'TLS_CERT' | 'TLS_KEY', string>;

before(async (t) => {
  const folder = temporaryFolder(t as never);
  const files = [
    await issue(folder, 'ec', { names: [NAMES[0]] }),
    await issue(folder, 'rsa', { names: [NAMES[0]], keyType: 'rsa' }),
    await issue(folder, 'console', { names: [NAMES[1]] }),
  ];
  certificates = {
    TLS_CERT: files.map(({ cert }) => cert).join(),
    TLS_KEY: files.map(({ key }) => key).join(),
  };
});

/** Each kind of client comes once, with what it kept; how many resumed. */
async function comeAll(port: number, kept: Map<number, Visit>): Promise<number> {
  let resumed = 0;
  for (const [index, client] of CLIENTS.entries()) {
    const next = await visit(port, kept.get(index)?.session, client);
    kept.set(index, next);
    if (next.resumed) resumed += 1;
  }
  return resumed;
}

describe('TLS sessions', () => {
  test('are resumed at every gateway with the same TLS_TICKET_SECRET, and at no other', async (t) => {
    const backend = await startBackend(t);
    const start = async (secret: string) => {
      const own = { PORTAL_BACKENDS: backend.url, TLS_TICKET_SECRET: secret };
      const gateway = await startTestGateway(t, { ...certificates, ...own });
      return gateway.addresses;
    };
    const [a, b, other] = [await start(SECRET), await start(SECRET), await start(`${SECRET}!`)];
    const [alone, lonely] = [await start(''), await start('')];
    const kept = new Map<number, Visit>();
    assert.equal(await comeAll(a.portal!.port, kept), 0);
    for (const { portal } of [b, a, b]) {
      assert.equal(await comeAll(portal!.port, kept), CLIENTS.length);
    }
    const counted = await scrape(b.admin!.port);
    const resumed = { listener: 'portal', resumed: 'true' };
    assert.equal(
      counted.value('dashgate_listener_tls_handshakes_total', resumed),
      2 * CLIENTS.length,
      'metrics tell the takeover',
    );
    assert.equal(await comeAll(other.portal!.port, kept), 0);
    assert.equal(await comeAll(alone.portal!.port, kept), 0);
    assert.equal(await comeAll(lonely.portal!.port, kept), 0, 'without a secret each is alone');
  });

  test('are resumed at every worker, after a reload, after SIGUSR2, and at the next gateway', async (t) => {
    const backend = await startBackend(t);
    for (const TLS_TICKET_SECRET of ['', SECRET]) {
      const settings = { ...certificates, PORTAL_BACKENDS: backend.url, TLS_TICKET_SECRET };
      const gateway = await startGatewayProcess(t, settings);
      const kept = new Map<number, Visit>();
      await comeAll(gateway.port('portal'), kept);
      const comeBack = async (when: string) => {
        for (let i = 0; i < 3; i++) {
          assert.equal(await comeAll(gateway.port('portal'), kept), CLIENTS.length, when);
        }
      };
      await comeBack('at its workers');
      await gateway.reload();
      await comeBack('after a reload');
      await upgrade(gateway);
      await comeBack('after SIGUSR2');
      const served = new Set(gateway.logged('request').map(({ pid }) => pid));
      assert.ok(served.size >= 4, `${served.size} workers have served`);
      const text = gateway.command.out() + gateway.command.err();
      if (TLS_TICKET_SECRET === '') continue;
      assert.ok(!text.includes(TLS_TICKET_SECRET), 'the secret is in no log');
      const next = await startTestGateway(t, settings);
      assert.equal(await comeAll(next.addresses.portal!.port, kept), CLIENTS.length);
    }
  });
});

async function upgrade(gateway: GatewayProcess): Promise<void> {
  gateway.command.child.kill('SIGUSR2');
  const told = 'it serves; this process ends when its clients have';
  await until('another process serves', () => gateway.logged(told).length === 1, 60_000);
}
