import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Writes what the command `npm run NAME` found into its place in the document `file`: between two
 * comments of which the first names the command.
 * @throws Error where the document has no such place
 */
export function writePlaced(file: string, name: string, text: string): void {
  writeFileSync(file, placed(name, readFileSync(file, 'utf8'), text));
}

function placed(name: string, document: string, text: string): string {
  const begin = `<!-- ${name}: npm run ${name} -- --write SECURITY.md -->`;
  const end = `<!-- /${name} -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) {
    throw new Error(`no place for the table; remedy: put ${begin} and ${end} where it belongs`);
  }
  return `${document.slice(0, from)}${begin}\n${text}\n${document.slice(to)}`;
}
