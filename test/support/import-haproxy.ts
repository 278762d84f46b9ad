import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { Draft } from '../../src/import-haproxy/draft.ts';
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

/** What holds of every import: each line has its fate, and each setting takes its value. */
export function assertSound({ imported, env }: ImportedText): void {
  for (const line of imported.lines) {
    assert.ok(imported.isCarried(line) || imported.dropsOf(line).length > 0, line.text);
  }
  for (const [name, { value, blank }] of imported.draft.entries) {
    assert.equal(env[name], value, name);
    if (!blank) assert.equal(Draft.problem(name, value), undefined, `${name}=${value}`);
  }
}
