import { startEmbeddedMemcached } from '../../src/demo/embedded-memcached.ts';
import { startMemcached } from '../support/memcached.ts';
import { memcachedClientSuite } from './memcached-client.suite.ts';

memcachedClientSuite('the real memcached', async (t) => {
  const { address } = await startMemcached(t);
  // Its clock is the machine's; it ticks once a second, so one more makes sure.
  const elapse = (seconds: number) =>
    new Promise<void>((resolve) => setTimeout(resolve, (seconds + 1) * 1000));
  return { address, elapse };
});

memcachedClientSuite('the embedded memcached', async (t) => {
  let now = Date.now();
  const server = await startEmbeddedMemcached({ now: () => now });
  t.after(() => server.close());
  const elapse = async (seconds: number) => {
    now += seconds * 1000;
  };
  return { address: `${server.host}:${server.port}`, elapse };
});
