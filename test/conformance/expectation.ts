import { Deviation } from './bell.ts';
import { type Framing, type Message, shown, values } from './message.ts';

type Pattern = string | RegExp;

/** What a message has to be like; what is not named is not looked at. */
export interface Expected {
  readonly line?: string | RegExp;
  readonly status?: number | readonly number[];
  /** Per name in lower case: the value, all values in order, a pattern for the one, null: none. */
  readonly fields?: Readonly<Record<string, Pattern | readonly Pattern[] | null>>;
  /** Per name in lower case: what none of its values may contain. */
  readonly lacks?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly framing?: Framing | readonly Framing[];
  readonly trailers?: readonly string[];
  /** False: the message has to break off. Otherwise, but for 'either', it has to be complete. */
  readonly complete?: boolean | 'either';
}

/** @throws Deviation where the message is not as it is expected. */
export function assertMessage(message: Message, expected: Expected): void {
  assertOneOf('status', message.status, expected.status);
  const { line, fields = {}, lacks = {}, body, trailers, complete = true } = expected;
  if (line !== undefined && !matches(message.startLine, line)) {
    throw new Deviation(`start line is ${shown(message.startLine)}, not ${line}`);
  }
  for (const [name, value] of Object.entries(fields)) {
    const found = values(message, name);
    const wanted = value === null ? [] : Array.isArray(value) ? value : [value];
    if (found.length !== wanted.length || !found.every((text, i) => matches(text, wanted[i]))) {
      throw new Deviation(`${name} is ${list(found)}, not ${list(wanted)}`);
    }
  }
  for (const [name, part] of Object.entries(lacks)) {
    const found = values(message, name);
    if (found.some((text) => text.includes(part))) {
      throw new Deviation(`${name} is ${list(found)}, with ${part}`);
    }
  }
  assertOneOf('framing', message.framing, expected.framing);
  if (body !== undefined && message.body !== body) {
    throw new Deviation(`body is ${shown(message.body)}, not ${shown(body)}`);
  }
  if (trailers && trailers.join('\n') !== message.trailers.join('\n')) {
    throw new Deviation(`trailers are ${list(message.trailers)}, not ${list(trailers)}`);
  }
  if (complete !== 'either' && message.complete !== complete) {
    throw new Deviation(
      complete ? 'the message broke off' : 'the message was passed off as complete',
    );
  }
}

function assertOneOf<T extends string | number>(
  what: string,
  actual: T,
  expected: T | readonly T[] | undefined,
): void {
  if (expected === undefined) return;
  const wanted: readonly T[] = Array.isArray(expected) ? expected : [expected];
  if (!wanted.includes(actual)) {
    throw new Deviation(`${what} is ${actual}, not ${wanted.join(' or ')}`);
  }
}

function matches(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text === wanted : wanted.test(text);
}

function list(texts: readonly (string | RegExp)[]): string {
  return texts.length === 0 ? 'absent' : texts.map(String).map(shown).join(' and ');
}
