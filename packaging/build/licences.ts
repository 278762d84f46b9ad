import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProductionModule } from './production-modules.ts';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;
const LINE = '='.repeat(79);

/** Node's package for this system, which brings the licences of the runtime and all that is in it. */
const NODE = 'node_modules/node';

/** The licences of everything that is packed beside Dashgate itself, as its authors wrote them. */
export function thirdPartyLicences(root: string, modules: readonly ProductionModule[]): string {
  const { version } = JSON.parse(readFileSync(join(root, NODE, 'package.json'), 'utf8'));
  const runtime = join(NODE, 'node_modules', `node-${process.platform}-${process.arch}`);
  const parts = [
    { name: 'Node.js', version, license: 'MIT and others', path: runtime },
    ...modules,
  ].map(({ name, version, license, path }) =>
    [`${name} ${version} (${license ?? 'see below'})`, ...textsOf(join(root, path))].join('\n\n'),
  );
  return `Dashgate comes with these works of others.\n\n${parts.map((part) => `${LINE}\n${part}`).join('\n\n')}\n`;
}

/** What is said of the licence in a package: in files of their own, or in its README and package.json. */
function textsOf(folder: string): string[] {
  const files = readdirSync(folder).sort();
  const own = files.filter((name) => LICENCE_FILE.test(name));
  if (own.length > 0) return own.flatMap((name) => textOf(folder, name));
  const { author, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const by = typeof author === 'string' ? author : author?.name;
  const readme = files.find((name) => /^readme/i.test(name));
  const section = readme
    ? /^#+ *licen[cs]e[\s\S]*/im.exec(readFileSync(join(folder, readme), 'utf8'))?.[0]
    : undefined;
  const where = homepage ? `; ${homepage}` : '';
  return [`By ${by ?? 'its authors'}${where}`, ...(section ? [section.trim()] : [])];
}

function textOf(folder: string, name: string): string[] {
  try {
    return [readFileSync(join(folder, name), 'utf8').trim()];
  } catch {
    // A folder of several.
    return readdirSync(join(folder, name))
      .sort()
      .flatMap((inner) => textOf(join(folder, name), inner));
  }
}
