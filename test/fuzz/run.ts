/** `npm run fuzz`: inputs made to break the parsers, and what other readers make of them. */
import { EXIT, runEntry } from '../support/entry.ts';
import { writeCrasher } from './engine/fixtures.ts';
import { watch } from './engine/watch.ts';
import { readOptions, USAGE } from './options.ts';
import { loadTarget } from './targets.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  print(`seed ${options.seed}\n`);
  print('| target | oracle | CPU-seconds | inputs | outcomes | findings |');
  print('| --- | --- | --- | --- | --- | --- |');
  let findings = 0;
  const details: string[] = [];
  for (const name of options.targets) {
    const { oracle } = await loadTarget(name);
    const { found, ...report } = await watch(name, { ...options, seeds: [options.seed] });
    findings += found.length;
    const numbers = [report.cpuSeconds.toFixed(0), report.runs, report.outcomes, found.length];
    print(`| ${name} | ${oracle} | ${numbers.join(' | ')} |`);
    for (const { message, input } of found) {
      details.push(`${name}: ${message}\n  ${writeCrasher(name, input)}`);
    }
  }
  print(['', ...details].join('\n'));
  return findings === 0 ? EXIT.ok : EXIT.failure;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runEntry('fuzz', USAGE, main);
