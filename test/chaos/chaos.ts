/** `npm run chaos -- cache`: what users see while parts of a cluster fail, with Dashgate and without. */
import { EXIT, runEntry } from '../support/entry.ts';
import { chaosOfCache } from './cache/chaos-cache.ts';
import { readOptions, USAGE } from './options.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return EXIT.ok;
  }
  return (await chaosOfCache(options)) ? EXIT.ok : EXIT.failure;
}

await runEntry('chaos', USAGE, main);
