/** `npm run chaos`: what users see while parts of a cluster fail, with Dashgate and without. */
import { EXIT, runEntry, UsageError } from '../support/entry.ts';
import { chaosOfCache } from './cache/chaos-cache.ts';
import { readOptions as readCacheOptions, USAGE as USAGE_OF_CACHE } from './cache/options.ts';
import { chaosOfSystem } from './system/chaos-system.ts';
import { readOptions as readSystemOptions, USAGE as USAGE_OF_SYSTEM } from './system/options.ts';

const USAGE = `${USAGE_OF_SYSTEM}\n${USAGE_OF_CACHE}`;

async function main(): Promise<number> {
  const [first = '', ...rest] = process.argv.slice(2);
  const what = first === '' || first.startsWith('-') ? 'system' : first;
  const args = what === first ? rest : process.argv.slice(2);
  if (what !== 'system' && what !== 'cache') {
    throw new UsageError(`there is chaos for: system, cache; not for "${what}"`);
  }
  const unnoticed =
    what === 'cache'
      ? await chaosOfCache(readCacheOptions(args))
      : await chaosOfSystem(readSystemOptions(args));
  return unnoticed ? EXIT.ok : EXIT.failure;
}

await runEntry('chaos', USAGE, main);
