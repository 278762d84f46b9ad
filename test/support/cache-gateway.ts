import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CacheHealth } from '../../src/cache/cache-health.ts';
import { dashgateCommand, printed } from './command.ts';
import { gatewaySettings, temporaryFolder } from './gateway.ts';
import { until } from './until.ts';

/** A gateway as an operator runs it: its settings are in a file, and SIGHUP has it read anew. */
export async function startCacheGateway(
  t: TestContext,
  placement: string,
  nodes: readonly string[],
  workers = 0,
) {
  const folder = temporaryFolder(t);
  const settings = await gatewaySettings(t);
  const configure = (list: readonly string[]) => {
    const all = {
      ...settings,
      WORKERS: String(workers),
      // Nothing is forwarded here.
      PORTAL_BACKENDS: 'http://127.0.0.1:9',
      CACHE_LISTEN: '127.0.0.1:0',
      MEMCACHED_PLACEMENT: placement,
      MEMCACHED_SERVERS: list.join(','),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(folder, '.env'), lines.join(''));
  };
  configure(nodes);
  const command = dashgateCommand(t, ['start'], {}, { cwd: folder });
  await printed(command, '"listener":"admin"');
  const portOf = (name: string) =>
    Number(new RegExp(`"listener":"${name}".*?"port":(\\d+)`).exec(command.out())![1]);
  const state = async () =>
    (await (await fetch(`http://127.0.0.1:${portOf('admin')}/api/state`)).json()) as {
      cache?: CacheHealth;
      memcached: { node: string }[];
    };
  return {
    command,
    port: portOf('cache'),
    location: `127.0.0.1:${portOf('cache')}`,
    state,
    /** SIGKILL; resolves when the process is gone. */
    async kill() {
      command.child.kill('SIGKILL');
      await command.exit;
    },
    reload(list: readonly string[]) {
      configure(list);
      command.child.kill('SIGHUP');
    },
    /** Resolves when the cache is on these nodes alone, and believes each. */
    async on(list: readonly string[]) {
      await until(
        `the cache is on ${list}`,
        async () => {
          const { cache } = await state();
          // A process of its own tells of it, a little later.
          if (!cache) return false;
          const { nodes, move } = cache;
          const full = nodes.filter((one) => one.state === 'full' && one.reachable);
          return (
            move === undefined &&
            nodes.length === list.length &&
            full.length === list.length &&
            full.every(({ node }) => list.includes(node))
          );
        },
        30_000,
      );
    },
  };
}
