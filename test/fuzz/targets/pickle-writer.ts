import { readPickle } from '../../../src/session/pickle-reader.ts';
import { PickleError, type PyValue } from '../../../src/session/pickle-values.ts';
import { writePickle } from '../../../src/session/pickle-writer.ts';
import { describePickle } from '../../support/pickle-description.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';
import { Builder } from '../oracles/pickle-building.ts';
import { graphOf, hasMergeableKeys } from '../oracles/pickle-graph.ts';
import { Python, type PythonReading } from '../oracles/python.ts';

/** As of the reader: larger values are described by nobody. */
const MOST_DESCRIBED = 3000;

export const target: Target = {
  oracle: "Python's pickle; our own reader of it",
  dictionary: ['\x02\0', '\x05\x04', '\x08\0', '\x0a\x03', '\x0c\x02', '\x0e\x02', '\x11\x03'],
  seeds: [
    '\0',
    '\x02\x05',
    '\x0a\x03\0\x02\x01\0\x09\x02\0\x08\0',
    '\x0c\x02\x01\0\x02\x03\x03\0\x01\x01',
    '\x0e\x02\x01\x02\x01\0\0\x01\x09\x02\0\0',
    '\x11\x02\x0a\x01\0\x08\0\x09\x03',
  ],
  maxBytes: 600,
  generate: (dice: Dice) =>
    Buffer.from(Array.from({ length: 1 + dice.below(120) }, () => byte(dice))),
  open() {
    const python = new Python<PythonReading>('unpickle.py');
    return {
      pids: [python.pid],
      check: (input) => check(python, input),
      close: () => python.close(),
    };
  },
};

async function check(python: Python<PythonReading>, input: Buffer): Promise<string> {
  const value = new Builder(input).value();
  const graph = graphOf(value);
  if (graph.size > MOST_DESCRIBED) return 'too large to describe';
  if (hasMergeableKeys(value)) return 'keys are one to Python or JavaScript alone';
  const written = write(value);
  if (written === undefined) return 'too deep';
  const described = JSON.stringify(describePickle(stored(value)));
  const ours = JSON.stringify(describePickle(readPickle(written)));
  if (ours !== described) {
    throw new Finding('what is written is read as another value', shown(ours, described));
  }
  const [theirs] = await python.read(written);
  const read = 'value' in theirs! ? JSON.stringify(theirs.value) : JSON.stringify(theirs);
  if (read !== described) {
    throw new Finding('Python reads another value', shown(read, described));
  }
  return described.replaceAll(/[^a-z{["]|"[^"]*"(?!:)/g, '').slice(0, 40);
}

/** Undefined where it is nested too deep, which alone may be refused. */
function write(value: PyValue): Buffer | undefined {
  try {
    return writePickle(value);
  } catch (error) {
    if (error instanceof PickleError && error.message.includes('nested deeper')) return undefined;
    throw error;
  }
}

/** The value as the writer takes it: without entries that are undefined, None for such items. */
function stored(value: PyValue): PyValue {
  const seen = new Set<object>();
  const look = (node: unknown): void => {
    if (node === null || typeof node !== 'object' || seen.has(node)) return;
    seen.add(node);
    if (node instanceof Uint8Array) return;
    if (Array.isArray(node)) {
      node.forEach((item, i) => {
        if (item === undefined) node[i] = null;
      });
    } else if (node instanceof Map) {
      for (const [key, entry] of node) if (entry === undefined) node.delete(key);
    } else if (!(node instanceof Set)) {
      for (const [key, entry] of Object.entries(node)) {
        if (entry === undefined) delete (node as Record<string, unknown>)[key];
      }
    }
    const children = node instanceof Map ? node.values() : Object.values(node);
    for (const child of children) look(child);
  };
  look(value);
  return value;
}

function shown(one: string, other: string): string {
  return `${one.slice(0, 300)} and not ${other.slice(0, 300)}`;
}

/** Most of them name a kind of value. */
function byte(dice: Dice): number {
  return dice.chance(0.8) ? dice.below(21) : dice.below(256);
}
