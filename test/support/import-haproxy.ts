import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { envText } from '../../src/import-haproxy/env-file.ts';
import {
  type Imported,
  type ImportOptions,
  importHaproxy,
} from '../../src/import-haproxy/import.ts';
import { reportText } from '../../src/import-haproxy/report.ts';

/** The path of a fixture: a configuration of HAProxy. */
export function fixturePath(name: string): string {
  return new URL(`../../fixtures/haproxy/${name}.cfg`, import.meta.url).pathname;
}

/** The text of a fixture. */
export function fixture(name: string): string {
  return readFileSync(fixturePath(name), 'utf8');
}

/** What came of a text. */
export interface ImportedText {
  readonly imported: Imported;
  /** The settings, as a gateway reads them from the `.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: string;
  /** The reason why a line was not carried over, or a part of it; empty where all of it was. */
  reason(line: string): string;
}

/** Imports a text as one file. */
export function importText(text: string, options: ImportOptions = {}): ImportedText {
  const imported = importHaproxy([{ name: 'haproxy.cfg', text }], options);
  return {
    imported,
    env: parseEnv(envText(imported.draft, 'haproxy.cfg')),
    report: reportText(imported),
    reason: (wanted) => {
      const line = imported.lines.find((each) => each.text === wanted);
      if (!line) throw new Error(`there is no line "${wanted}"`);
      return imported
        .dropsOf(line)
        .map(({ part, reason }) => (part === undefined ? reason : `${part}: ${reason}`))
        .join('; ');
    },
  };
}
