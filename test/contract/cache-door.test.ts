import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { clientOf, conversation, startDoor, withoutVersions } from '../support/cache-door.ts';
import { NodeStore } from '../support/cache-door-node.ts';
import { replicatedStore } from '../support/cache-replicated.ts';
import { startMemcached } from '../support/memcached.ts';
import { CONVERSATIONS, DIFFERENCES, WRAPPING } from './cache-door-conversations.ts';

interface Server {
  readonly host: string;
  readonly port: number;
}

/** A real memcached, and a door with another one behind it, or with so many; all new. */
async function startBoth(t: TestContext, nodes = 0): Promise<{ memcached: Server; door: Server }> {
  const [memcached, store] = await Promise.all([
    startMemcached(t),
    nodes > 0
      ? replicatedStore(t, nodes)
      : startMemcached(t).then((behind) => NodeStore.connect(t, behind)),
  ]);
  return { memcached, door: await startDoor(t, { store, allowFlush: true }) };
}

describe('the door answers what memcached answers, to the byte', () => {
  it('has several hundred conversations to tell', () => {
    assert.ok(CONVERSATIONS.length > 500);
    const abouts = new Set(CONVERSATIONS.map(({ about }) => about));
    assert.ok(abouts.size > CONVERSATIONS.length - 10);
  });

  for (const nodes of [0, 1, 3])
    it(`in each of them, ${nodes === 0 ? 'on a plain node' : `with ${nodes} nodes in the cache`}`, async (t) => {
      const { memcached, door } = await startBoth(t, nodes);
      for (const { about, sent } of [WRAPPING, ...CONVERSATIONS]) {
        // A version that no gateway gave is refused before a node sees how large the value is.
        if (nodes > 0 && about.startsWith('the largest value of a key')) continue;
        const script = `flush_all\r\n${sent}quit\r\n`;
        const [expected, answered] = await Promise.all([
          conversation(t, memcached, script),
          conversation(t, door, script),
        ]);
        assert.ok(expected.startsWith('OK\r\n'), about);
        assert.equal(withoutVersions(answered), withoutVersions(expected), about);
      }
    });

  it('wherever what is sent is split', async (t) => {
    const { memcached, door } = await startBoth(t);
    const short = CONVERSATIONS.filter(({ sent }, n) => sent.length < 150 && n % 24 === 0);
    assert.ok(short.length > 15);
    for (const { about, sent } of short) {
      const script = `flush_all\r\n${sent}quit\r\n`;
      const expected = withoutVersions(await conversation(t, memcached, script));
      for (let at = 1; at < script.length; at++) {
        const pieces = [script.slice(0, at), script.slice(at)];
        const answered = await conversation(t, door, pieces);
        assert.equal(withoutVersions(answered), expected, `${about} split at ${at}`);
      }
    }
  });

  it('when each byte comes by itself', async (t) => {
    const { memcached, door } = await startBoth(t);
    const parts = CONVERSATIONS.filter(({ sent }, n) => sent.length < 200 && n % 7 === 0);
    const script = `${parts.map(({ sent }) => sent).join('')}quit\r\n`;
    const expected = withoutVersions(await conversation(t, memcached, script));
    const answered = await conversation(t, door, [...script]);
    assert.equal(withoutVersions(answered), expected);
  });

  it('takes a version that gets told, and refuses it after a change', async (t) => {
    for (const server of Object.values(await startBoth(t))) {
      const told = await conversation(t, server, 'set a 0 0 1\r\n1\r\ngets a\r\nquit\r\n');
      const version = /VALUE a 0 1 (\d+)/.exec(told)?.[1];
      assert.ok(version);
      const cas = `cas a 0 0 1 ${version}\r\n2\r\n`;
      const metaCas = `md a C${version}\r\n`;
      assert.equal(
        await conversation(
          t,
          server,
          `${metaCas.replace('C', 'C1')}${cas}${cas}${metaCas}quit\r\n`,
        ),
        'EX\r\nSTORED\r\nEXISTS\r\nEX\r\n',
      );
    }
  });
});

describe('the door differs from memcached 1.6.18', () => {
  for (const { about, sent, door, memcached } of DIFFERENCES) {
    it(`where ${about}`, async (t) => {
      const both = await startBoth(t);
      assert.equal(await conversation(t, both.memcached, `${sent}quit\r\n`), memcached);
      assert.equal(await conversation(t, both.door, `${sent}quit\r\n`), door);
    });
  }

  it('where a client sends a line that does not end: it may be longer', async (t) => {
    const both = await startBoth(t);
    const get = `get ${'a '.repeat(100_000)}\r\nquit\r\n`;
    for (const server of [both.memcached, both.door]) {
      assert.equal(await conversation(t, server, get), 'END\r\n');
    }
    const client = await clientOf(t, both.door);
    client.on('error', () => {});
    const gone = new Promise((resolve) => client.once('close', resolve));
    client.write('x'.repeat(300_000));
    await gone;
    await turn();
  });
});
