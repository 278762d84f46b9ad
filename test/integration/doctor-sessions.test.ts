import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createSessionCache } from '../../src/cache/session-cache.ts';
import { parseNode } from '../../src/memcached/node-address.ts';
import { PLACEMENTS, type Placement } from '../../src/memcached/placement.ts';
import { findings, of, putSessions } from '../support/doctor.ts';
import { type RunningMemcached, startMemcached } from '../support/memcached.ts';

const SESSIONS = 90;

async function startNodes(t: TestContext, count = 3) {
  const nodes = await Promise.all(Array.from({ length: count }, () => startMemcached(t)));
  return { nodes, addresses: nodes.map(({ address }) => address) };
}

function settingsOf(nodes: readonly string[], placement: Placement) {
  return { MEMCACHED_SERVERS: nodes.join(','), MEMCACHED_PLACEMENT: placement };
}

async function placementFinding(t: TestContext, settings: Record<string, string>) {
  const [finding, ...rest] = of(await findings(t, settings), 'sessions', 'sessions');
  assert.deepEqual(rest, []);
  return finding!;
}

describe('the doctor looks where the sessions lie', () => {
  for (const placement of PLACEMENTS) {
    it(`agrees with ${placement} where the dashboards use it, and names it where they do`, async (t) => {
      const { addresses } = await startNodes(t);
      await putSessions(placement, addresses, SESSIONS);
      const right = await placementFinding(t, settingsOf(addresses, placement));
      assert.equal(right.severity, 'ok', right.detail);
      assert.match(
        right.detail,
        new RegExp(`^100 % of ${SESSIONS} sessions looked at lie on the node that`),
      );

      const wrong = placement === 'pymemcache' ? 'pylibmc' : 'pymemcache';
      const misplaced = await placementFinding(t, settingsOf(addresses, wrong));
      assert.equal(misplaced.severity, 'error');
      assert.equal(misplaced.remedy, `set MEMCACHED_PLACEMENT=${placement}`);
      assert.match(misplaced.detail, new RegExp(`; 100 % lie where ${placement} puts them$`));
    });
  }

  it('names the order of the nodes where it is that which is wrong', async (t) => {
    const { addresses } = await startNodes(t);
    const [one, two, three] = addresses as [string, string, string];
    await putSessions('python-memcached', addresses, SESSIONS);
    const finding = await placementFinding(t, settingsOf([three, one, two], 'python-memcached'));
    assert.equal(finding.severity, 'error');
    assert.equal(finding.remedy, `write MEMCACHED_SERVERS=${[one, two, three].join(',')}`);
  });

  it('judges by the nodes that are left while one is down', async (t) => {
    const { nodes, addresses } = await startNodes(t);
    await putSessions('pylibmc', addresses, SESSIONS);
    await nodes[1]!.kill();
    const right = await placementFinding(t, settingsOf(addresses, 'pylibmc'));
    assert.equal(right.severity, 'ok', right.detail);
    const wrong = await placementFinding(t, settingsOf(addresses, 'pymemcache'));
    assert.equal(wrong.remedy, 'set MEMCACHED_PLACEMENT=pylibmc');
  });

  it('tells a dashboard with other settings from all of them', async (t) => {
    const { addresses } = await startNodes(t);
    await putSessions('pymemcache', addresses, SESSIONS);
    await putSessions('pylibmc', addresses, SESSIONS / 3);
    const finding = await placementFinding(t, settingsOf(addresses, 'pymemcache'));
    assert.equal(finding.severity, 'warning');
    assert.match(finding.remedy!, /CACHES/);
  });

  it('says when there are too few sessions to tell, or one node', async (t) => {
    const { addresses } = await startNodes(t);
    await putSessions('pylibmc', addresses, 3);
    const few = await placementFinding(t, settingsOf(addresses, 'pymemcache'));
    assert.equal(few.severity, 'note');
    assert.match(few.detail, /there are 3 sessions, too few/);
    const [single] = addresses;
    await putSessions('pylibmc', [single!], SESSIONS);
    const one = await placementFinding(t, settingsOf([single!], 'pymemcache'));
    assert.equal(one.severity, 'ok', one.detail);
  });

  it('names the key prefix that the dashboards have', async (t) => {
    const { addresses } = await startNodes(t);
    await putSessions('pymemcache', addresses, SESSIONS, 'horizon:2:');
    const finding = await placementFinding(t, settingsOf(addresses, 'pymemcache'));
    assert.equal(finding.severity, 'error');
    assert.match(finding.remedy!, /DJANGO_KEY_PREFIX=horizon and DJANGO_KEY_VERSION=2,/);
    const right = await placementFinding(t, {
      ...settingsOf(addresses, 'pymemcache'),
      DJANGO_KEY_PREFIX: 'horizon',
      DJANGO_KEY_VERSION: '2',
    });
    assert.equal(right.severity, 'ok', right.detail);
  });

  it('sees which sessions were written through the session cache', async (t) => {
    const { addresses } = await startNodes(t);
    const settings = { ...settingsOf(addresses, 'pymemcache'), CACHE_LISTEN: '127.0.0.1:0' };
    await putSessions('pymemcache', addresses, SESSIONS);
    const [direct] = of(await findings(t, settings), 'sessions', 'copies');
    assert.equal(direct!.severity, 'note');
    assert.match(direct!.remedy!, /CACHE_LISTEN as LOCATION/);

    const through = await startNodes(t);
    await putThroughCache(t, through.nodes);
    const found = await findings(t, {
      ...settings,
      ...settingsOf(through.addresses, 'pymemcache'),
    });
    assert.deepEqual(
      of(found, 'sessions').map(({ severity, subject }) => [severity, subject]),
      [
        ['ok', 'sessions'],
        ['ok', 'copies'],
      ],
    );
    // Each has two copies: half of what another placement predicts is there by chance.
    const wrong = await placementFinding(t, settingsOf(through.addresses, 'pylibmc-ketama'));
    assert.equal(wrong.remedy, 'set MEMCACHED_PLACEMENT=pymemcache');
  });

  it('goes on where a node lists no keys, and says so', async (t) => {
    const { addresses } = await startNodes(t, 2);
    const mute = await startMemcached(t, { extraArguments: ['-o', 'no_lru_crawler'] });
    const nodes = [...addresses, mute.address];
    await putSessions('pymemcache', nodes, SESSIONS);
    const found = await findings(t, settingsOf(nodes, 'pymemcache'));
    const [note, placement] = of(found, 'sessions');
    assert.equal(note!.subject, mute.address);
    assert.match(note!.detail, /does not list its keys/);
    assert.equal(placement!.severity, 'ok');
    assert.match(
      of(found, 'memcached', mute.address).find(({ severity }) => severity === 'note')!.remedy!,
      /without -X and without -o no_lru_crawler/,
    );
  });
});

async function putThroughCache(t: TestContext, nodes: readonly RunningMemcached[]): Promise<void> {
  const cache = createSessionCache({
    nodes: nodes.map(({ address }) => parseNode(address).text),
    placement: 'pymemcache',
    copies: 2,
    keyPrefix: ':1:',
  });
  t.after(() => cache.close());
  assert.ok(await cache.start());
  for (let n = 0; n < SESSIONS; n++) {
    const key = `:1:django.contrib.sessions.cache${String(n).padStart(32, 's')}`;
    await cache.store.store('set', key, Buffer.from('x'), 0, 0);
  }
}
