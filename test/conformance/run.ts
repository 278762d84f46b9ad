import { parseArgs } from 'node:util';
import { caseLines, inParallel, isAsKnown, playAgainst, summary } from './matrix.ts';
import { dashgate } from './peers/dashgate.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import { PEERS } from './peers/proxy.ts';
import { TABLE } from './table.ts';

/** Cases at a time; they mostly wait. */
const WIDTH = 4;

/**
 * Plays the table against Dashgate, HAProxy and nginx, and prints case × proxy. Fails where one
 * differs without a reason in the table, or no longer differs where the table has one.
 */
const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: PEERS.join() },
    only: { type: 'string', default: '' },
  },
});
const asked = values.peers.split(',');
const known = { dashgate, haproxy, nginx };
const proxies = PEERS.filter((name) => asked.includes(name)).map((name) => known[name]);
const cases = TABLE.filter(({ name }) => new RegExp(values.only, 'i').test(name));
if (proxies.length !== asked.length || cases.length === 0) {
  process.stderr.write(`usage: run.ts [--peers ${PEERS.join()}] [--only part-of-a-name]\n`);
  process.exit(2);
}

process.stdout.write(`${proxies.map(({ name }) => name.padEnd(9)).join('')}\n`);
const results = await inParallel(cases, WIDTH, async (item) => {
  const row = await playAgainst(proxies, item);
  process.stdout.write(caseLines(item, row));
  return row;
});
process.stdout.write(`\n${cases.length} cases\n${summary(proxies, results)}`);
process.exitCode = results.flat().every(isAsKnown) ? 0 : 1;
