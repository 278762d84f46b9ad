/** `npm run test:ha`: what users notice while the node of a cluster that serves them fails. */
import { EXIT, runEntry } from '../support/entry.ts';
import { readOptions, USAGE } from './options.ts';
import { LEGEND, renderTable } from './table.ts';
import { runTrials } from './trials.ts';
import { complaints } from './verdict.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (process.getuid?.() !== 0) {
    throw new Error('machines of their own are for root to make; remedy: sudo npm run test:ha');
  }
  const rows = await runTrials(options);
  const setting = `monitor every ${options.monitorMs} ms, token ${options.tokenMs} ms, ${options.trials} trials`;
  process.stdout.write(`${setting}\n\n${renderTable(rows)}\n\n${LEGEND}\n`);
  const found = complaints(rows, options.monitorMs);
  for (const complaint of found) process.stderr.write(`${complaint}\n`);
  return found.length === 0 ? EXIT.ok : EXIT.failure;
}

await runEntry('ha', USAGE, main);
