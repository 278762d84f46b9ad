import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BALANCES, type Candidate, createSelection } from '../../src/upstream/selection.ts';
import { randomFrom } from '../support/random.ts';

interface Server extends Candidate {
  share: number;
  load: number;
  hasRoom: boolean;
}

const NONE: ReadonlySet<Server> = new Set();

function serversOf(shares: Record<string, number>): Server[] {
  return Object.entries(shares).map(([name, share]) => ({ name, share, load: 0, hasRoom: true }));
}

/** Share of `picks` that each server got, by name, each pick being kept. */
function spread(servers: readonly Server[], picks: readonly (Server | undefined)[]) {
  return servers.map((server) => picks.filter((pick) => pick === server).length / picks.length);
}

function assertNear(actual: readonly number[], wanted: readonly number[], within: number): void {
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - wanted[i]!) <= within, `${actual} instead of ${wanted}`);
  }
}

for (const balance of BALANCES) {
  describe(balance, () => {
    const selectionOf = (servers: readonly Server[]) => {
      const selection = createSelection<Server>(balance, randomFrom(7));
      selection.reset(servers);
      return selection;
    };

    test('has no pick where there is nothing to pick', () => {
      assert.equal(selectionOf([]).pick(NONE, 'c'), undefined);
      const servers = serversOf({ a: 1, b: 1 });
      const selection = selectionOf(servers);
      assert.equal(selection.pick(new Set(servers), 'c'), undefined);
      for (const server of servers) server.hasRoom = false;
      assert.equal(selection.pick(NONE, 'c'), undefined);
    });

    test('passes over what is full or excluded, and finds the last that is not', () => {
      const servers = serversOf({ a: 5, b: 1, c: 1, d: 9 });
      const selection = selectionOf(servers);
      servers[3]!.hasRoom = false;
      const exclude = new Set([servers[0]!, servers[2]!]);
      for (let client = 0; client < 50; client += 1) {
        assert.equal(selection.pick(exclude, String(client)), servers[1]);
      }
    });

    test('gives each its share of many clients', () => {
      const servers = serversOf({ a: 4, b: 2, c: 1, d: 1 });
      const selection = selectionOf(servers);
      const picks = Array.from({ length: 20_000 }, (_, client) => {
        const pick = selection.pick(NONE, `10.${client >> 8}.${client & 255}.7`)!;
        pick.load += 1;
        return pick;
      });
      assertNear(spread(servers, picks), [0.5, 0.25, 0.125, 0.125], 0.01);
    });
  });
}

test('round robin spreads its picks evenly within a round', () => {
  const servers = serversOf({ a: 5, b: 1, c: 1 });
  const selection = createSelection<Server>('roundrobin');
  selection.reset(servers);
  const picks = Array.from({ length: 14 }, () => selection.pick(NONE, '')?.name);
  assert.equal(picks.join(''), 'aabacaaaabacaa');
});

test('round robin goes on where it was when a server comes, and owes nothing to it', () => {
  const [a, b, c] = serversOf({ a: 1, b: 1, c: 1 });
  const selection = createSelection<Server>('roundrobin');
  selection.reset([a!, b!]);
  selection.pick(NONE, '');
  selection.reset([a!, b!, c!]);
  const picks = Array.from({ length: 6 }, () => selection.pick(NONE, '')?.name);
  assert.deepEqual([...picks].sort().join(''), 'aabbcc');
  assert.equal(picks[0], 'b');
});

test('least connections takes what has least for its share, and equal ones in turn', () => {
  const servers = serversOf({ a: 1, b: 2, c: 1 });
  const selection = createSelection<Server>('leastconn');
  selection.reset(servers);
  servers[0]!.load = 3;
  servers[1]!.load = 8;
  servers[2]!.load = 5;
  assert.equal(selection.pick(NONE, '')?.name, 'a');
  for (const server of servers) server.load = 0;
  servers[1]!.share = 1;
  const picks = Array.from({ length: 6 }, () => selection.pick(NONE, '')!.name);
  assert.deepEqual([...new Set(picks.slice(0, 3))].length, 3);
  assert.deepEqual(picks.slice(0, 3), picks.slice(3));
});

test('of two drawn at random the one with less work is taken', () => {
  const servers = serversOf({ a: 1, b: 1 });
  servers[0]!.load = 100;
  const draws = [0.1, 0.9, 0.9, 0.1, 0.1, 0.1];
  const selection = createSelection<Server>('random', () => draws.shift()!);
  selection.reset(servers);
  assert.deepEqual(
    Array.from({ length: 3 }, () => selection.pick(NONE, '')?.name),
    ['b', 'b', 'a'],
  );
});

describe('a hash of the client', () => {
  const clients = Array.from({ length: 5_000 }, (_, i) => `192.0.${i >> 8}.${i & 255}`);
  const picksOf = (servers: readonly Server[]) => {
    const selection = createSelection<Server>('hash');
    selection.reset(servers);
    return clients.map((client) => selection.pick(NONE, client)?.name);
  };

  test('is the same in every gateway, in whatever order the servers stand', () => {
    const servers = serversOf({ a: 3, b: 1, c: 2 });
    assert.deepEqual(picksOf(servers), picksOf(servers.toReversed()));
  });

  test('moves the clients of a server that goes, and no other', () => {
    const servers = serversOf({ a: 1, b: 1, c: 1, d: 1 });
    const before = picksOf(servers);
    const after = picksOf(servers.slice(1));
    const moved = clients.filter((_, i) => before[i] !== after[i]);
    assert.deepEqual(
      moved,
      clients.filter((_, i) => before[i] === 'a'),
    );
    const taken = ['b', 'c', 'd'].map(
      (name) => after.filter((pick, i) => pick === name && before[i] === 'a').length / moved.length,
    );
    assertNear(taken, [1 / 3, 1 / 3, 1 / 3], 0.05);
  });

  test('moves clients to a server alone whose weight grows', () => {
    const before = picksOf(serversOf({ a: 1, b: 1, c: 1 }));
    const after = picksOf(serversOf({ a: 1, b: 2, c: 1 }));
    assert.ok(clients.every((_, i) => before[i] === after[i] || after[i] === 'b'));
  });
});
