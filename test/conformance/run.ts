import { parseArgs } from 'node:util';
import { EXIT, runEntry, UsageError } from '../support/entry.ts';
import { chosen, pattern } from '../support/option-values.ts';
import { caseLines, inParallel, isAsKnown, playAgainst, summary } from './matrix.ts';
import { PROXIES } from './peers/proxies.ts';
import { TABLE } from './table.ts';

/** Cases at a time; they mostly wait. */
const WIDTH = 4;

const USAGE = `Usage: npm run conformance [-- OPTION …]

Plays the table of cases (RFC 9110, RFC 9112) against Dashgate, HAProxy and nginx, and prints case ×
proxy. Fails where one differs without a reason in the table, or no longer differs where the table has
one.

  --peers NAMES  only these: ${PROXIES.map(({ name }) => name).join(', ')}
  --only TEXT    only cases whose name has this in it (a regular expression)
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      peers: { type: 'string' },
      only: { type: 'string', default: '' },
    },
  });
  const proxies = chosen('peers', values.peers, PROXIES);
  const wanted = pattern('only', values.only);
  const cases = TABLE.filter(({ name }) => wanted.test(name));
  if (cases.length === 0) throw new UsageError(`--only ${values.only}: no case has that`);
  process.stdout.write(`${proxies.map(({ name }) => name.padEnd(9)).join('')}\n`);
  const results = await inParallel(cases, WIDTH, async (item) => {
    const row = await playAgainst(proxies, item);
    process.stdout.write(caseLines(item, row));
    return row;
  });
  process.stdout.write(`\n${cases.length} cases\n${summary(proxies, results)}`);
  return results.flat().every(isAsKnown) ? EXIT.ok : EXIT.failure;
}

await runEntry('conformance', USAGE, main);
