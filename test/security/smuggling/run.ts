import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { dashgate } from '../../conformance/peers/dashgate.ts';
import { haproxy } from '../../conformance/peers/haproxy.ts';
import { nginx } from '../../conformance/peers/nginx.ts';
import { PEERS } from '../../conformance/peers/proxy.ts';
import { placed } from '../placed.ts';
import { CORPUS } from './corpus.ts';
import { listed, table, tally } from './report.ts';
import { playAll } from './tournament.ts';

/**
 * Plays the corpus against Dashgate, HAProxy and nginx and prints a table of categories × proxies.
 * Fails where Dashgate lets a message through that can be read in two ways.
 */
const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: PEERS.join() },
    only: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'string' },
  },
});
const asked = values.peers.split(',');
const known = { dashgate, haproxy, nginx };
const proxies = PEERS.filter((name) => asked.includes(name)).map((name) => known[name]);
const pattern = new RegExp(values.only, 'i');
const messages = CORPUS.filter(({ category, name }) => pattern.test(`${category}: ${name}`));
if (proxies.length !== asked.length || messages.length === 0) {
  process.stderr.write(
    `usage: run.ts [--peers ${PEERS.join()}] [--only part-of-a-name] [--list] [--json FILE] [--write SECURITY.md]\n`,
  );
  process.exit(2);
}

const results = [];
for (const proxy of proxies) {
  results.push({
    name: proxy.name,
    version: proxy.describe(),
    verdicts: await playAll(proxy, messages),
  });
}
if (values.list) process.stdout.write(`${listed(messages, results)}\n`);
const text = table(messages, results);
process.stdout.write(`${text}\n`);
if (values.json)
  writeFileSync(values.json, `${JSON.stringify(tally(messages, results), null, 2)}\n`);
if (values.write) {
  writeFileSync(values.write, placed('smuggling', readFileSync(values.write, 'utf8'), text));
}
const own = results.find(({ name }) => name === 'dashgate')?.verdicts ?? [];
process.exitCode = own.some(({ outcome }) => outcome === 'ambiguous') ? 1 : 0;
