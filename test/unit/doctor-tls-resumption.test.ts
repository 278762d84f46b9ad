import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../src/config.ts';
import { type Examination, runCheck } from '../../src/doctor/check.ts';
import { tlsResumptionCheck } from '../../src/doctor/tls-resumption.ts';

const SECRET = 's'.repeat(32);

async function found(secret: string | undefined, peers?: readonly string[]) {
  const config = { TLS_TICKET_SECRET: secret } as Config;
  const gateway = Promise.resolve(peers && { pids: [], peers });
  return runCheck(tlsResumptionCheck, { config, gateway } as unknown as Examination);
}

test('gateways that share memcached are to share the secret of their tickets', async () => {
  const [warning] = await found(undefined, ['b:443', 'c:443']);
  assert.equal(warning!.severity, 'warning');
  assert.match(warning!.detail, /b:443, c:443/);
  assert.match(warning!.remedy!, /openssl rand -hex 32/);
  const [good] = await found(SECRET, ['b:443']);
  assert.equal(good!.severity, 'ok');
  assert.ok(!JSON.stringify(good).includes(SECRET));
});

test('nothing is said of a gateway that is alone, or does not run', async () => {
  assert.deepEqual(await found(undefined, []), []);
  assert.deepEqual(await found(undefined), []);
});
