import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AddCommand } from '../../src/cache/add-command.ts';
import type { CacheNode } from '../../src/cache/cache-node.ts';
import { DEFAULT_CACHE_TIMING } from '../../src/cache/cache-timing.ts';
import { systemClock } from '../../src/cache/clock.ts';
import { Follower } from '../../src/cache/follower.ts';
import { Place } from '../../src/cache/place.ts';
import type { Replicas } from '../../src/cache/replicas.ts';
import type { CopyState } from '../../src/cache/view-document.ts';
import { Writer } from '../../src/cache/writer.ts';
import { UnavailableError } from '../../src/memcached/client.ts';

const KEY = 'a';

/** A node of one item, as far as an `add` needs it. */
class OneItem {
  readonly address: string;
  value: string | undefined;
  /** Whether the answer to the next `add` is lost. */
  losesAnswer = false;

  constructor(address: string, value?: string) {
    this.address = address;
    this.value = value;
  }

  async fetch() {
    if (this.value === undefined) return undefined;
    return { value: Buffer.from(this.value), flags: 0, cas: 1n };
  }

  async store(_verb: string, _key: string, value: Buffer): Promise<boolean> {
    const taken = this.value === undefined;
    this.value ??= value.toString();
    if (!this.losesAnswer) return taken;
    this.losesAnswer = false;
    throw new UnavailableError(this.address, 'no answer within 125 ms');
  }

  async cas(): Promise<'STORED'> {
    this.value = undefined;
    return 'STORED';
  }
}

/** Owners of one key, the first of them full; `whenLost` is what happens when one is given up. */
function cluster(nodes: readonly OneItem[], whenLost: (places: readonly Place[]) => void) {
  const places = nodes.map((node, index) => {
    const { address } = node;
    const member = { address, mark: index, node: node as unknown as CacheNode };
    const place = new Place(member as Place['member'], []);
    become(place, 'full');
    return place;
  });
  const replicas: Replicas = {
    view: {
      arrangement: { read: [], written: [] } as unknown as Replicas['view']['arrangement'],
      holds: () => true,
      refresh: async () => true,
      isSettled: () => true,
      settled: async () => true,
      lose(place) {
        become(place, 'behind');
        whenLost(places);
      },
    },
    clock: systemClock,
    timing: DEFAULT_CACHE_TIMING,
    whenUnsure: 'refuse',
    ownersOf: () => ({ all: places, read: places }),
    everyNode: () => places,
  };
  const item = { verb: 'set', key: KEY, value: Buffer.from('ours'), flags: 0, exptime: 0 } as const;
  const follower = new Follower(replicas);
  return {
    places,
    run: () => new AddCommand(replicas, new Writer(replicas), follower, item).run(),
  };
}

function become(place: Place, state: CopyState): void {
  place.entry = { epoch: place.entry.epoch + 1, state, since: 0 };
}

describe('an add', () => {
  it('is not refused by the item that it has stored itself and that others were refilled with', async () => {
    const first = new OneItem('n1:1');
    const second = new OneItem('n2:1');
    first.losesAnswer = true;
    const { run } = cluster([first, second], () => {
      second.value = first.value;
    });
    assert.equal(await run(), 'STORED');
    assert.equal(second.value, 'ours');
  });

  it('that is refused leaves nothing of itself, nor where others were refilled with it', async () => {
    const [first, second, third] = [
      new OneItem('n1:1'),
      new OneItem('n2:1', 'theirs'),
      new OneItem('n3:1'),
    ];
    first.losesAnswer = true;
    const { run, places } = cluster([first, second, third], () => {
      third.value = first.value;
      become(places[0]!, 'refilling');
    });
    assert.equal(await run(), 'NOT_STORED');
    assert.deepEqual(
      [first, second, third].map(({ value }) => value),
      [undefined, 'theirs', undefined],
    );
  });

  it('that the only owner refuses asks no other', async () => {
    const first = new OneItem('n1:1', 'theirs');
    const second = new OneItem('n2:1', 'ours');
    const { run } = cluster([first, second], () => {});
    assert.equal(await run(), 'NOT_STORED');
    assert.equal(second.value, 'ours');
  });
});
