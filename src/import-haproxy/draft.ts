import { messageOf } from '../errors.ts';
import { SETTINGS } from '../settings.ts';
import type { Line } from './line.ts';

/** One setting of the configuration that is written. */
export interface Entry {
  readonly value: string;
  /** The lines that it comes from. */
  readonly lines: readonly Line[];
  /** What the operator should know of it, each a sentence. */
  readonly notes: readonly string[];
  /** It is for the operator to fill in. */
  readonly blank: boolean;
}

export interface EntryOptions {
  readonly lines?: readonly (Line | undefined)[];
  readonly notes?: readonly string[];
  readonly blank?: boolean;
}

/** These name files, which are looked at when the gateway starts, maybe on another host. */
const FILES: readonly string[] = ['TLS_CERT', 'TLS_KEY'];

/** The configuration that comes out: only settings that there are, with values that they take. */
export class Draft {
  readonly #entries = new Map<string, Entry>();

  /** Whether there is such a setting. */
  static knows(name: string): boolean {
    return Object.hasOwn(SETTINGS, name);
  }

  /** Why a setting does not take a value; undefined where it does. */
  static problem(name: string, value: string): string | undefined {
    if (!Draft.knows(name)) return 'Dashgate has no such setting';
    const setting = SETTINGS[name as keyof typeof SETTINGS];
    if (value === '') return setting.optional ? undefined : 'it cannot be empty';
    if (FILES.includes(name)) return undefined;
    const text = name.endsWith('_BACKENDS') ? value.replaceAll(/ ca=\S+/g, '') : value;
    try {
      setting.read(text, () => ({ text: '' }));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** What a setting is where nothing is said; '' where it is off or has to be set. */
  static initial(name: string): string {
    return SETTINGS[name as keyof typeof SETTINGS].initial ?? '';
  }

  /** The first of some values that a setting takes, where there is such a setting. */
  static firstGood(name: string, values: readonly string[]): string | undefined {
    return values.find((value) => Draft.problem(name, value) === undefined);
  }

  /** Sets a value; gives the reason where the setting does not take it, and leaves it as it was. */
  set(name: string, value: string, options: EntryOptions = {}): string | undefined {
    const { lines = [], notes = [], blank = false } = options;
    const problem = blank ? undefined : Draft.problem(name, value);
    if (problem !== undefined) return problem;
    const known = lines.filter((line) => line !== undefined);
    this.#entries.set(name, { value, lines: known, notes, blank });
    return undefined;
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  /** Adds a sentence to a setting that is there. */
  note(name: string, note: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.notes.includes(note)) return;
    this.#entries.set(name, { ...entry, notes: [...entry.notes, note] });
  }

  /** All of it, in the order in which settings are explained. */
  get entries(): readonly (readonly [name: string, entry: Entry])[] {
    return Object.keys(SETTINGS).flatMap((name) => {
      const entry = this.#entries.get(name);
      return entry ? [[name, entry] as const] : [];
    });
  }
}
