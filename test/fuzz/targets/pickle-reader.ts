import { readdirSync, readFileSync } from 'node:fs';
import { readPickle } from '../../../src/session/pickle-reader.ts';
import { PickleError, type PyValue } from '../../../src/session/pickle-values.ts';
import { writePickle } from '../../../src/session/pickle-writer.ts';
import { describePickle } from '../../support/pickle-description.ts';
import { Finding, type Target } from '../engine/target.ts';
import { graphOf, hasMergeableKeys } from '../oracles/pickle-graph.ts';
import { generatePickle, PICKLE_WORDS } from '../oracles/pickle-words.ts';
import { Python, type PythonReading } from '../oracles/python.ts';

const PICKLES = new URL('../../../fixtures/django/pickles/', import.meta.url);
/** Larger values are described by nobody: what is shared counts as often as it is met. */
const MOST_DESCRIBED = 3000;
const MAX_SEED_BYTES = 600;

export const target: Target = {
  oracle: "Python's pickle; our own writer of it",
  dictionary: PICKLE_WORDS,
  seeds: readFixtures(),
  generate: generatePickle,
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
  const value = read(input);
  if (value instanceof PickleError) return value.message.replaceAll(/\d+/g, '#').slice(0, 80);
  const graph = graphOf(value);
  if (graph.nodes > input.length) throw new Finding('a pickle makes more than it has bytes');
  if (graph.size > MOST_DESCRIBED) return 'too large to describe';
  const described = JSON.stringify(describePickle(value));
  const written = write(value);
  const again = JSON.stringify(describePickle(readPickle(written)));
  if (again !== described) throw new Finding('written and read it is another value', described);
  const kinds = described.replaceAll(/[^a-z{["]|"[^"]*"(?!:)/g, '').slice(0, 40);
  // Python would import classes, call what makes objects, and ask for what is outside.
  if (!graph.plain) return `not plain ${kinds}`;
  // A dict of JavaScript cannot have the keys that Python's has.
  if (hasMergeableKeys(value)) return `keys are one to Python or JavaScript alone ${kinds}`;
  const [theirs, theirsOfOurs] = await python.read(input, written);
  compare(input, described, theirs!);
  if (JSON.stringify(contents(theirsOfOurs!)) !== described) {
    throw new Finding('Python reads another value in what we write', JSON.stringify(theirsOfOurs));
  }
  return kinds;
}

/** Why Python may refuse what we read: by its refusal, and opcodes without which it does not come to that. */
const KNOWN: Readonly<Record<string, { readonly refused: string; readonly opcodes: string }>> = {
  'a call or name that is dropped again: Python would make it, we do not': {
    refused: 'not plain',
    opcodes: 'Rio\x81\x92c\x93PQ',
  },
  'a call that is dropped again, with what Python cannot encode': {
    refused: 'TypeError encoding with',
    opcodes: 'R',
  },
  'a memo index: the size of an array there, an entry of a map here': {
    refused: 'memory',
    opcodes: 'pr',
  },
  'a key that is dropped again: we check keys in what is read alone': {
    refused: 'TypeError unhashable type',
    opcodes: 'dsu\x90\x91R',
  },
};

/** Python has to read what we read; where it refuses that, the reason has to be a known one. */
function compare(input: Buffer, described: string, theirs: PythonReading): void {
  if ('value' in theirs) {
    const value = JSON.stringify(theirs.value);
    if (value === described) return;
    throw new Finding('Python reads another value', `${value.slice(0, 300)} and not ${described}`);
  }
  const why = `${theirs.refused} ${theirs.why ?? ''}`;
  const known = Object.values(KNOWN).some(
    ({ refused, opcodes }) =>
      why.startsWith(refused) && input.some((byte) => opcodes.includes(String.fromCharCode(byte))),
  );
  if (!known) throw new Finding('Python refuses what we read', `${why} ${described}`);
}

function contents(reading: PythonReading): unknown {
  return 'value' in reading ? reading.value : reading;
}

function read(bytes: Buffer): PyValue | PickleError {
  try {
    return readPickle(bytes);
  } catch (error) {
    if (error instanceof PickleError) return error;
    throw error;
  }
}

function write(value: PyValue): Buffer {
  try {
    return writePickle(value);
  } catch (error) {
    throw new Finding('what is read cannot be written', String(error));
  }
}

function readFixtures(): string[] {
  const files = readdirSync(PICKLES).map((file) => readFileSync(new URL(file, PICKLES), 'utf8'));
  return files
    .flatMap((text) => JSON.parse(text) as { base64: string }[])
    .map(({ base64 }) => Buffer.from(base64, 'base64').toString('latin1'))
    .filter((pickle) => pickle.length <= MAX_SEED_BYTES);
}
