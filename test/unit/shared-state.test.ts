import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedControl } from '../../src/gateway/shared-control.ts';
import { silentLogger } from '../../src/log.ts';
import type { VersionedItem } from '../../src/memcached/byte-requests.ts';
import { decodeDecisions, encodeDecisions } from '../../src/memcached/decisions.ts';
import { decodeHeartbeat, encodeHeartbeat } from '../../src/memcached/heartbeat.ts';
import { encodeRoster } from '../../src/memcached/roster.ts';
import { SharedState } from '../../src/memcached/shared-state.ts';
import type { StateNode } from '../../src/memcached/state-node.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';
import { Pool } from '../../src/upstream/pool.ts';
import { until } from '../support/until.ts';

const DECISIONS = 'dashgate:state:decisions';
const ROSTER = 'dashgate:state:gateways';

/** A node that shows what the test has it show, and keeps what it is told. */
function playedNode(show: (key: string) => Buffer | undefined) {
  const asked: (readonly string[])[] = [];
  const kept = new Map<string, Buffer>();
  const keep = async (key: string, value: Buffer) => {
    kept.set(key, value);
    return true;
  };
  const node: StateNode = {
    address: 'n:1',
    async fetch(keys) {
      asked.push(keys);
      const items = keys.flatMap((key): [string, VersionedItem][] => {
        const value = show(key);
        return value ? [[key, { value, flags: 0, cas: 1n }]] : [];
      });
      return new Map(items);
    },
    set: async (key, value) => void (await keep(key, value)),
    add: keep,
    replace: keep,
    close() {},
  };
  return { node, asked, kept };
}

function stateOn(node: StateNode): SharedState {
  return new SharedState({
    nodes: [node],
    name: 'self',
    instance: 'one',
    secret: 's',
    intervalMs: 1_000,
    report: () => [{ name: 'console', backends: [{ name: 'a', tunnels: 0, health: 'up' }] }],
    onBeat: () => {},
    onNamesake: () => {},
    now: () => 0,
  });
}

const alive = (instance: string, beat: number) =>
  encodeHeartbeat({ instance, beat, stopping: false, secret: 's', services: [] });

test('a node that shows other gateways each time has no more of them asked after', async () => {
  let beat = 0;
  const { node, asked } = playedNode((key) => {
    if (key === ROSTER) return encodeRoster(Array.from({ length: 64 }, (_, n) => `g${beat}-${n}`));
    return key.startsWith('dashgate:state:gateway:') ? alive(key, beat) : undefined;
  });
  const state = stateOn(node);
  for (; beat < 100; beat += 1) await state.exchange();
  const most = Math.max(...asked.map(({ length }) => length));
  assert.ok(most > 64 && most <= 64 + 64 + 3, `${most} keys`);
  state.stop();
});

test('a gateway that lives is known while the roster of the node is lost', async () => {
  let beat = 0;
  let roster: Buffer | undefined = encodeRoster(['self', 'other']);
  const { node } = playedNode((key) => {
    if (key === ROSTER) return roster;
    return key === 'dashgate:state:gateway:other' ? alive('two', beat) : undefined;
  });
  const state = stateOn(node);
  const others = () => state.peers.map(({ name }) => name);
  for (; beat < 4; beat += 1) await state.exchange();
  assert.deepEqual(others(), ['other']);
  roster = undefined;
  for (; beat < 8; beat += 1) await state.exchange();
  assert.deepEqual(others(), ['other']);
  state.stop();
});

test('a decision after which none could be made is not taken, and replaced', async () => {
  const last = { version: Number.MAX_SAFE_INTEGER, state: 'maint', weight: 0, by: 'x' } as const;
  const { node, kept } = playedNode((key) =>
    key === DECISIONS ? encodeDecisions(new Map([['console/a', last]])) : undefined,
  );
  const state = stateOn(node);
  await state.exchange();
  assert.equal(state.decisions.size, 0);
  await state.decide('console/a', { state: 'drain', weight: null });
  const shared = decodeDecisions(kept.get(DECISIONS)!)!;
  assert.deepEqual(shared.get('console/a'), {
    version: 1,
    state: 'drain',
    weight: null,
    by: 'self',
  });
  state.stop();
});

test('a heartbeat of a thousand backends is read, one of very many is none', () => {
  const beatOf = (count: number) => {
    const backends = Array.from({ length: count }, (_, n) => {
      return { name: `console-${n}.example:6080`, tunnels: 1_000, health: 'up' as const };
    });
    const services = [{ name: 'console', backends }];
    return encodeHeartbeat({ instance: 'i', beat: 1, stopping: false, secret: 's', services });
  };
  assert.ok(decodeHeartbeat(beatOf(1_000)));
  assert.equal(decodeHeartbeat(beatOf(4_000)), undefined);
  // All of them would stand on the status page.
  const services = Array.from({ length: 17 }, (_, n) => ({ name: `service ${n}`, backends: [] }));
  const many = { instance: 'i', beat: 1, stopping: false, secret: 's', services };
  assert.equal(decodeHeartbeat(encodeHeartbeat(many)), undefined);
});

test('of what a gateway says of backends that are none here, nothing is told', async (t) => {
  const backend = (name: string) => ({ name, tunnels: 3, health: 'up' }) as const;
  const rows = Array.from({ length: 1_000 }, (_, index) => backend(`made-up-${index}`));
  const services = [
    { name: 'console', backends: [...rows, backend('one'), backend('one')] },
    { name: 'made-up', backends: rows.slice(0, 100) },
  ];
  let beat = 0;
  const { node } = playedNode((key) => {
    if (key === ROSTER) return encodeRoster(['self', 'other']);
    if (key !== 'dashgate:state:gateway:other') return undefined;
    beat += 1;
    const heartbeat = { instance: 'x', beat, stopping: false, secret: 's' };
    return encodeHeartbeat({ ...heartbeat, services });
  });
  const { backends } = new Pool('console', parseBackends('http://a:1 name=one', assert.fail));
  const control = new SharedControl({
    nodes: [node],
    name: 'self',
    secret: Buffer.from('s'),
    intervalMs: 20,
    pools: () => [{ service: 'console', backends, sharesRoom: true }],
    onApplied: () => {},
    logger: silentLogger,
  });
  t.after(() => control.stop());
  await control.start();
  await until('the other one is known', () => control.view().peers.length === 1);
  assert.deepEqual(control.view().peers[0]!.services, [
    { name: 'console', backends: [backend('one')] },
  ]);
});
