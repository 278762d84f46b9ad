import { setTimeout as delay } from 'node:timers/promises';
import { Cleanup } from '../../support/cleanup.ts';
import { randomFrom } from '../../support/random.ts';
import { startCluster } from './cluster.ts';
import type { Fault } from './faults.ts';
import type { Client, Options } from './options.ts';
import { LEGEND, type Row, renderTable } from './table.ts';
import { Tally } from './tally.ts';
import { User } from './users.ts';

/** How long all is well before the fault, and after it, in ms. */
const BEFORE_MS = 5_000;
const AFTER_MS = 10_000;
/** Users that do something at the same moment where all of them have to do it. */
const ABREAST = 16;

/** Runs every fault with every client and prints the table; true where the cache hid all of it. */
export async function chaosOfCache(options: Options): Promise<boolean> {
  const { faults, clients, users, seed, seconds, copies, direct } = options;
  const rows: Row[] = [];
  for (const fault of faults) {
    for (const client of clients) {
      process.stderr.write(`${fault.name}, ${client}\n`);
      const title = fault.title(seconds);
      const ways = [
        { way: 'Dashgate', copies },
        ...(direct ? [{ way: 'direct', copies: undefined } as const] : []),
      ] as const;
      // Side by side, so that what the host does meanwhile hits both.
      const tallies = await Promise.all(
        ways.map((way) => suffer(fault, client, way.copies, options)),
      );
      rows.push(...ways.map(({ way }, i) => ({ fault: title, client, way, tally: tallies[i]! })));
    }
  }
  const setting = `${users} users, a click of each every 4 s; 3 processes of Django with 8 threads each; ${copies} copies; seed ${seed}`;
  process.stdout.write(`${setting}\n\n${renderTable(rows)}\n\n${LEGEND}\n`);
  return rows.every(({ way, tally }) => way === 'direct' || tally.clean);
}

/** What users see of a fault. */
async function suffer(
  fault: Fault,
  client: Client,
  copies: number | undefined,
  { users: count, seed, seconds }: Options,
): Promise<Tally> {
  const cleanup = new Cleanup();
  try {
    const cluster = await startCluster(cleanup, {
      client,
      copies,
      cuttable: fault.network === true,
    });
    const random = randomFrom(seed);
    const users = Array.from(
      { length: count },
      (_, i) => new User(`user${i}`, cluster.site, random),
    );
    await abreast(users, (user) => user.arrive());
    const tally = new Tally();
    let over = false;
    const staying = Promise.all(users.map((user) => user.stay(tally, () => over)));
    await delay(BEFORE_MS);
    await fault.happen(cluster, seconds * 1_000);
    await delay(AFTER_MS);
    over = true;
    await staying;
    await abreast(users, (user) => user.lookBack());
    return tally;
  } finally {
    await cleanup.run();
  }
}

async function abreast(users: readonly User[], act: (user: User) => Promise<void>): Promise<void> {
  const waiting = [...users];
  const lane = async () => {
    for (let user = waiting.pop(); user; user = waiting.pop()) await act(user);
  };
  await Promise.all(Array.from({ length: ABREAST }, lane));
}
