import { startEmbeddedMemcached } from '../../src/demo/embedded-memcached.ts';
import { Cluster } from '../../src/memcached/cluster.ts';
import { startMemcached } from '../support/memcached.ts';
import { MemoryClient } from '../support/memory-client.ts';
import { describeSessionStore } from './session-store.suite.ts';

describeSessionStore('a client in memory', () => {
  const client = new MemoryClient();
  return {
    client,
    takeDown() {
      client.down = true;
    },
  };
});

describeSessionStore('the embedded memcached', async (t) => {
  const server = await startEmbeddedMemcached();
  t.after(() => server.close());
  const client = new Cluster({
    nodes: [`${server.host}:${server.port}`],
    placement: 'pymemcache',
  });
  t.after(() => client.close());
  return { client, takeDown: () => server.close() };
});

describeSessionStore('real memcached', async (t) => {
  const server = await startMemcached(t);
  const client = new Cluster({ nodes: [server.address], placement: 'pymemcache' });
  t.after(() => client.close());
  return { client, takeDown: () => server.kill() };
});
