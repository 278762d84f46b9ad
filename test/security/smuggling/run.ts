import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PROXIES } from '../../conformance/peers/proxies.ts';
import { EXIT, runEntry, UsageError } from '../../support/entry.ts';
import { chosen, pattern } from '../../support/option-values.ts';
import { writePlaced } from '../placed.ts';
import { CORPUS } from './corpus.ts';
import { listed, table, tally } from './report.ts';
import { playAll } from './tournament.ts';

const USAGE = `Usage: npm run smuggling [-- OPTION …]

Plays the corpus of hostile messages against Dashgate, HAProxy and nginx, and prints a table of
categories × proxies. Fails where Dashgate lets a message through that can be read in two ways.

  --peers NAMES  only these: ${PROXIES.map(({ name }) => name).join(', ')}
  --only TEXT    only messages whose category or name has this in it (a regular expression)
  --list         what became of each message, before the table
  --json FILE    write the table as JSON
  --write FILE   write the table into this file, in place of the one that is there (SECURITY.md)
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      peers: { type: 'string' },
      only: { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'string' },
    },
  });
  const proxies = chosen('peers', values.peers, PROXIES);
  const wanted = pattern('only', values.only);
  const messages = CORPUS.filter(({ category, name }) => wanted.test(`${category}: ${name}`));
  if (messages.length === 0) throw new UsageError(`--only ${values.only}: no message has that`);
  const results = [];
  for (const proxy of proxies) {
    const verdicts = await playAll(proxy, messages);
    results.push({ name: proxy.name, version: proxy.describe(), verdicts });
  }
  if (values.list) process.stdout.write(`${listed(messages, results)}\n`);
  const text = table(messages, results);
  process.stdout.write(`${text}\n`);
  if (values.json) {
    writeFileSync(values.json, `${JSON.stringify(tally(messages, results), null, 2)}\n`);
  }
  if (values.write) writePlaced(values.write, 'smuggling', text);
  const own = results.find(({ name }) => name === 'dashgate')?.verdicts ?? [];
  return own.some(({ outcome }) => outcome === 'ambiguous') ? EXIT.failure : EXIT.ok;
}

await runEntry('smuggling', USAGE, main);
