import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CacheNode, ListingRefused } from '../../src/cache/cache-node.ts';
import { holdItems } from '../../src/cache/population.ts';
import { VIEW_KEY } from '../../src/cache/reserved-keys.ts';
import { ProtocolError, UnavailableError } from '../../src/memcached/client.ts';

/** A node that lists these keys, in portions, or fails to. */
function listing(...portions: (readonly string[] | Error)[]): CacheNode {
  async function* keys() {
    for (const portion of portions) {
      if (portion instanceof Error) throw portion;
      yield portion;
    }
  }
  const facts = async () => ({ version: '1.6', pid: 1, uptime: 1, items: 1 });
  return { keys, facts } as Partial<CacheNode> as CacheNode;
}

/** A node without items, which cannot list any at the moment. */
const EMPTY: CacheNode = {
  ...listing(new ProtocolError('n:1', 'answered "BUSY"', 'BUSY')),
  facts: async () => ({ version: '1.6', pid: 1, uptime: 1, items: 0 }),
};
const BUSY = listing(new ProtocolError('n:1', 'answered "BUSY"', 'BUSY'));
const SILENT = listing(new UnavailableError('n:1', 'no answer'));
const UNLISTED = listing(new ListingRefused('n:1', 'ERROR'));

const CASES: Record<string, [nodes: CacheNode[], populated: boolean]> = {
  'nothing is on any node': [[EMPTY, EMPTY], false],
  'a session is on one of them': [[EMPTY, listing(['nova'], [':1:session'])], true],
  'there is only what others keep': [[listing(['nova', ':2:session'])], false],
  'there is only what the cache itself has left': [[listing([VIEW_KEY])], false],
  'one does not answer': [[EMPTY, SILENT], true],
  'one has items, and lists them for somebody else': [[EMPTY, BUSY], true],
  'one does not list its keys': [[listing([':1:session']), UNLISTED], false],
};

describe('whether nodes that were never served hold items', () => {
  for (const [what, [nodes, populated]] of Object.entries(CASES)) {
    it(`is ${populated} where ${what}`, async () => {
      assert.equal(await holdItems(nodes, ':1:'), populated);
    });
  }

  it('is true of any key where the keys have no prefix', async () => {
    assert.equal(await holdItems([listing(['nova'])], ''), true);
  });
});
