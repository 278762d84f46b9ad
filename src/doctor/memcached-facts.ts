import { statsRequest } from '../memcached/byte-requests.ts';
import { Connection } from '../memcached/connection.ts';
import type { NodeAddress } from '../memcached/node-address.ts';
import { type ClockReading, readingOf } from './clocks.ts';

/** What a node says of itself. */
export interface NodeFacts {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly clock: ClockReading;
  readonly evictions: number;
  readonly items: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly rejectedConnections: number;
  /** The longest value, with its key and some bytes of memcached's own (-I). */
  readonly maxItemBytes: number;
  readonly udpPort: number;
  /** Whether its keys can be listed (`lru_crawler metadump`). */
  readonly listsKeys: boolean;
}

/** Asks a node, which needs one round trip after the connection. Rejects where it cannot be asked. */
export async function factsOf(node: NodeAddress, timeoutMs: number): Promise<NodeFacts> {
  const connection = new Connection(node, { timeoutMs, connectTimeoutMs: timeoutMs });
  try {
    const settings = await connection.request(statsRequest('settings'));
    const sentMs = Date.now();
    const stats = await connection.request(statsRequest());
    const receivedMs = Date.now();
    const number = (name: string) => Number(stats.get(name) ?? 0);
    return {
      version: stats.get('version') ?? '',
      uptimeSeconds: number('uptime'),
      clock: readingOf(number('time') * 1_000, sentMs, receivedMs),
      evictions: number('evictions'),
      items: number('curr_items'),
      bytes: number('bytes'),
      maxBytes: number('limit_maxbytes'),
      rejectedConnections: number('rejected_connections') + number('listen_disabled_num'),
      maxItemBytes: Number(settings.get('item_size_max') ?? 0),
      udpPort: Number(settings.get('udpport') ?? 0),
      // Older ones know neither setting; the list of sessions tells of those.
      listsKeys: settings.get('lru_crawler') !== 'no' && settings.get('dump_enabled') !== 'no',
    };
  } finally {
    connection.close();
  }
}
