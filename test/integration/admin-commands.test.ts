import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAdminServer } from '../support/admin-server.ts';
import { startBackend } from '../support/backend.ts';
import { dashgateCommand, printedOnTerminal } from '../support/command.ts';
import { freePorts } from '../support/free-port.ts';
import { startTestGateway, temporaryFolder } from '../support/gateway.ts';
import { gatewayState } from '../support/gateway-state.ts';
import { startMemcached } from '../support/memcached.ts';
import { until } from '../support/until.ts';

const TOKEN = 'a-token-of-at-least-thirty-two-characters';

async function run(
  t: TestContext,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
) {
  const command = dashgateCommand(t, args, env, cwd === undefined ? {} : { cwd });
  const code = await command.exit;
  return { code, out: command.out(), err: command.err() };
}

test('status of a real gateway: 0 while all is usable, 1 when a backend is down', async (t) => {
  const [one, two] = [await startBackend(t), await startBackend(t)];
  const node = await startMemcached(t);
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: `${one.url} name=one, ${two.url} name=two`,
    MEMCACHED_SERVERS: node.address,
    GATEWAY_NAME: 'here',
  });
  const env = { ADMIN_LISTEN: `127.0.0.1:${gateway.addresses.admin!.port}` };
  const well = await run(t, ['status'], env);
  assert.equal(well.code, 0, well.out + well.err);
  assert.match(well.out, /^ {2}one +up +1 +0 +0 +0 {2}GET \/health gave 200, in \d+ ms$/m);
  assert.match(well.out, new RegExp(`^ {2}${node.address} +up +off +1\\.\\d`, 'm'));
  assert.match(well.out, /^ {2}here +this one +0 {2}none$/m);
  assert.match(well.out, /: everything is usable\.\n$/);
  assert.equal(well.err, '');

  await two.kill();
  await until('it is down', async () => {
    const state = await (await fetch(`http://${env.ADMIN_LISTEN}/api/state`)).text();
    return state.includes('"health":"down"');
  });
  const ill = await run(t, ['status'], env);
  assert.equal(ill.code, 1);
  assert.match(ill.out, /^portal\/two is down: .*ECONNREFUSED.*\n {2}→ start it/m);
  const { code, out } = await run(t, ['status', '--json'], env);
  assert.equal(code, 1);
  const report = JSON.parse(out);
  assert.deepEqual(Object.keys(report), ['format', 'verdict', 'gateway', 'problems', 'state']);
  assert.deepEqual([report.format, report.verdict], [1, 'degraded']);
  assert.equal(report.problems[0].subject, 'portal/two');
  assert.equal(report.state.services[0].backends[1].health, 'down');
});

test('a gateway that cannot be asked exits with 2, with the remedy, also as JSON', async (t) => {
  const env = { ADMIN_LISTEN: `127.0.0.1:${(await freePorts(1))[0]}` };
  const { code, out, err } = await run(t, ['status'], env);
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /^dashgate: http:.* cannot be asked \(.*ECONNREFUSED.*\)\n {2}→ start the/);
  const json = await run(t, ['status', '--json'], env);
  assert.deepEqual([json.code, json.err], [2, '']);
  const { verdict, problems, state } = JSON.parse(json.out);
  assert.deepEqual([verdict, state], ['unanswered', null]);
  assert.match(problems[0].remedy, /--admin/);
});

test('drain, maint, ready and weight ask for what they say, with the settings of .env', async (t) => {
  const server = await startAdminServer(t, ({ path, body }) => {
    if (path === '/api/csrf') return [200, {}];
    return [200, { weight: null, admin: 'ready', ...JSON.parse(body) }];
  });
  const folder = temporaryFolder(t);
  writeFileSync(
    join(folder, '.env'),
    `ADMIN_LISTEN=127.0.0.1:${server.port}\nADMIN_TOKEN=${TOKEN}\n`,
  );
  const cases = [
    [['drain', 'portal/one'], { admin: 'drain', scope: 'all' }, /drain, .* at all gateways/],
    [
      ['maint', 'portal/one', '--this-gateway'],
      { admin: 'maint', scope: 'gateway' },
      /maint, .* at this gateway alone/,
    ],
    [['ready', 'portal/one'], { admin: 'ready', scope: 'all' }, /ready, /],
    [['weight', 'portal/one', '7'], { weight: 7, scope: 'all' }, /with weight 7/],
    [
      ['weight', 'portal/one', 'configured'],
      { weight: null, scope: 'all' },
      /the weight that is configured/,
    ],
  ] as const;
  for (const [args, body, told] of cases) {
    const { code, out, err } = await run(t, args, {}, folder);
    assert.equal(code, 0, err);
    assert.match(out, told);
    const call = server.calls.at(-1)!;
    assert.equal(call.path, '/api/services/portal/backends/one');
    assert.deepEqual(JSON.parse(call.body), body);
    assert.equal(call.headers.authorization, `Bearer ${TOKEN}`);
  }
});

test('what the gateway refuses exits with 1, and who is not let in with 2', async (t) => {
  const server = await startAdminServer(t, ({ path, headers }) => {
    if (headers.authorization === undefined) return [401, { error: 'a login is needed' }];
    if (path === '/api/csrf') return [200, {}];
    return [404, { error: 'there is no portal/x', remedy: 'there is portal/one' }];
  });
  const there = ['--admin', server.url];
  const known = await run(t, ['drain', 'portal/x', ...there], { ADMIN_TOKEN: TOKEN });
  assert.deepEqual(known, {
    code: 1,
    out: '',
    err: 'dashgate: there is no portal/x\n  → there is portal/one\n',
  });
  const stranger = await run(t, ['reload', ...there]);
  assert.equal(stranger.code, 2);
  assert.match(stranger.err, /^dashgate: a login is needed\n {2}→ set ADMIN_TOKEN/);
});

test('status has colours on a terminal only, and not where NO_COLOR is set', async (t) => {
  const { url } = await startAdminServer(t, () => [200, gatewayState()]);
  const args = ['status', '--admin', url];
  assert.ok((await printedOnTerminal(args, {})).includes('\x1b[32mup'));
  assert.ok(!(await printedOnTerminal(args, { NO_COLOR: '1' })).includes('\x1b'));
  assert.ok(!(await run(t, args)).out.includes('\x1b'));
});

test('what cannot be carried out is told before anybody is asked', async (t) => {
  const cases = [
    [['drain'], /drain takes SERVICE\/BACKEND/],
    [['drain', 'portal'], /"portal" is no backend; write SERVICE\/BACKEND/],
    [['weight', 'portal/one', '300'], /"300" is no weight/],
    [['status', '--this-gateway'], /status takes no --this-gateway/],
    [['status', '--admin', 'localhost:9090'], /--admin is not the address/],
  ] as const;
  for (const [args, told] of cases) {
    const { code, err } = await run(t, args);
    assert.equal(code, 64, err);
    assert.match(err, told);
    assert.match(err, new RegExp(`^Usage: dashgate ${args[0]} `, 'm'));
  }
  const off = await run(t, ['status'], { ADMIN_LISTEN: '' });
  assert.equal(off.code, 78);
  assert.match(off.err, /ADMIN_LISTEN is off.*--admin/);
});

test('a real gateway without a token drains a backend and takes it back', async (t) => {
  const backend = await startBackend(t);
  const gateway = await startTestGateway(t, { PORTAL_BACKENDS: `${backend.url} name=one` });
  const env = { ADMIN_LISTEN: `127.0.0.1:${gateway.addresses.admin!.port}` };
  const stateOf = () => gateway.control.shared()?.decisions.map(({ state }) => state);
  const drained = await run(t, ['drain', 'portal/one', '--this-gateway'], env);
  assert.equal(drained.code, 0, drained.err);
  assert.deepEqual(stateOf(), ['drain']);
  const ready = await run(t, ['ready', 'portal/one', '--this-gateway'], env);
  assert.equal(ready.code, 0, ready.err);
  assert.deepEqual(stateOf(), ['ready'], 'at this gateway, whatever is decided for all');
  const everywhere = await run(t, ['drain', 'portal/one'], env);
  assert.equal(everywhere.code, 0, everywhere.err);
  assert.deepEqual(stateOf(), ['drain']);
  const back = await run(t, ['ready', 'portal/one'], env);
  assert.equal(back.code, 0, back.err);
  assert.deepEqual(stateOf(), [], 'it decides nothing any more');
  const unknown = await run(t, ['drain', 'portal/two'], env);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /there is no portal\/two; there are portal\/one/);
});
