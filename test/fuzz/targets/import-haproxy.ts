import { envText } from '../../../src/import-haproxy/env-file.ts';
import { NothingToImport } from '../../../src/import-haproxy/import.ts';
import {
  assertSound,
  fixture,
  type ImportedText,
  importText,
} from '../../support/import-haproxy.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';
import { type Files, makeFiles } from '../oracles/key-pair.ts';
import { readConfiguration } from '../oracles/settings.ts';

const TEXTS = ['legacy-1.4', 'kolla', 'openstack-ansible', 'tripleo', 'limits', 'broken'].map(
  fixture,
);
const LINES = [...new Set(TEXTS.flatMap((text) => text.split('\n')))];
const WORDS = [...new Set(TEXTS.flatMap((text) => text.split(/\s+/)))];
const MARKS = ['\n', ' ', '\t', '"', "'", '\\', '\\x41', '$', '"$' + '{A-b}"', '#', '{', '}', '!'];
/** What a terminal shows may not steer it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

export const target: Target = {
  oracle: 'the readers of settings; a fate for each line',
  dictionary: [...MARKS, ...WORDS, ...LINES.map((line) => `${line}\n`)],
  seeds: TEXTS,
  maxBytes: 6000,
  generate,
  async open() {
    const files = await makeFiles();
    return { check: (input, dice) => check(files, input, dice) };
  },
};

function check(files: Files, input: Buffer, dice: Dice): string {
  const keepAffinity = dice.chance(0.5);
  let imported: ImportedText;
  try {
    imported = importText(input.toString('utf8'), { keepAffinity });
  } catch (error) {
    if (error instanceof NothingToImport) return 'nothing to import';
    throw error;
  }
  try {
    assertSound(imported);
  } catch (error) {
    throw new Finding('an import is not sound', String(error));
  }
  if (CONTROLS.test(imported.report)) throw new Finding('control characters in the report');
  const text = envText(imported.imported.draft, 'haproxy.cfg');
  if (CONTROLS.test(text)) throw new Finding('control characters in the settings');
  return outcomeOf(files, imported);
}

/** With what is to be filled in, it is a configuration: no reader of settings finds a fault. */
function outcomeOf(files: Files, { env, imported }: ImportedText): string {
  const backends = ['PORTAL_BACKENDS', 'CONSOLE_BACKENDS'].map((name) => {
    // Files of authorities are on another host.
    return [name, (env[name] || 'http://10.0.0.9:80').replaceAll(/ ca=\S+/g, '')];
  });
  const settings = { ...env, ...Object.fromEntries(backends), ...files.settings };
  const config = readConfiguration(settings, files);
  if (config instanceof Error) throw new Finding('an import cannot be used', config.message);
  const names = imported.draft.entries.map(([name]) => name.replaceAll(/[a-z_]{3}(?=[a-z])/gi, ''));
  const drops = imported.lines.flatMap((line) => imported.dropsOf(line));
  const reasons = [...new Set(drops.map(({ reason }) => reason.slice(0, 12)))];
  return `${names.join('').length % 97} ${reasons.slice(0, 3).join()}`;
}

/** Lines of real files in another order, some of them changed. */
function generate(dice: Dice): Buffer {
  const lines = dice.pick(TEXTS).split('\n');
  for (let changes = dice.below(12); changes > 0; changes -= 1) {
    const at = dice.below(lines.length);
    const words = lines[at]!.split(' ');
    words[dice.below(words.length)] = dice.pick(dice.chance(0.8) ? WORDS : MARKS);
    lines[at] = words.join(' ');
    if (dice.chance(0.2)) lines.splice(at, 1);
    if (dice.chance(0.3)) lines.splice(at, 0, dice.pick(LINES));
  }
  return Buffer.from(lines.join('\n'));
}
