import { PickleInput } from './pickle-input.ts';
import { PickleMachine } from './pickle-machine.ts';
import { OP } from './pickle-opcodes.ts';
import { settle } from './pickle-settling.ts';
import {
  decodeAscii,
  decodeName,
  decodeQuoted,
  decodeRawUnicodeEscape,
  decodeUtf8,
} from './pickle-text.ts';
import {
  float,
  integer,
  MAX_PICKLE_BYTES,
  MAX_PICKLE_OPCODES,
  PickleError,
  PyByteArray,
  PyTuple,
  type PyValue,
} from './pickle-values.ts';

/** Python's own limit on the digits of an int in decimal text (sys.set_int_max_str_digits). */
const MAX_DECIMAL_DIGITS = 4300;

/**
 * Reads a pickle of any protocol, 0 to 5, as plain data. Nothing that it names is looked up,
 * constructed or called. Memory grows with the input only, whatever the input says. Bytes after
 * the pickle's end are ignored, as Python does.
 *
 * @throws PickleError with the offset and the cause, where the bytes are no whole pickle, want
 * what only a Python program has (an extension registry, out-of-band buffers), or exceed
 * MAX_PICKLE_BYTES, MAX_PICKLE_OPCODES or MAX_PICKLE_DEPTH
 */
export function readPickle(bytes: Uint8Array): PyValue {
  if (bytes.length > MAX_PICKLE_BYTES) {
    throw new PickleError(`the pickle has ${bytes.length} bytes, over ${MAX_PICKLE_BYTES}`);
  }
  const input = new PickleInput(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const machine = new PickleMachine(bytes.length);
  let start = 0;
  try {
    for (let count = 0; ; count++) {
      start = input.offset;
      if (count === MAX_PICKLE_OPCODES) throw new PickleError(`it has over ${count} opcodes`);
      const opcode = input.uint8();
      if (opcode === OP.STOP) return settle(machine.pop());
      const operation = OPERATIONS[opcode];
      if (operation === undefined) throw new PickleError(`there is no opcode ${opcode}`);
      operation(machine, input);
    }
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new PickleError(`pickle, byte ${start}: ${error.message}`);
  }
}

type Operation = (machine: PickleMachine, input: PickleInput) => void;

const OPERATIONS: Readonly<Record<number, Operation>> = {
  [OP.PROTO]: (m, i) => setProtocol(m, i.uint8()),
  [OP.FRAME]: (_, i) => checkFrame(i, i.length64()),

  [OP.NONE]: (m) => m.push(null),
  [OP.NEWTRUE]: (m) => m.push(true),
  [OP.NEWFALSE]: (m) => m.push(false),
  [OP.INT]: (m, i) => m.push(parseIntOrBool(decodeAscii(i.line()))),
  [OP.BININT]: (m, i) => m.push(i.int32()),
  [OP.BININT1]: (m, i) => m.push(i.uint8()),
  [OP.BININT2]: (m, i) => m.push(i.uint16()),
  [OP.LONG]: (m, i) => m.push(parseDecimal(decodeAscii(i.line()).replace(/L$/, ''))),
  [OP.LONG1]: (m, i) => m.push(integer(i.signed(i.uint8()))),
  [OP.LONG4]: (m, i) => m.push(integer(i.signed(i.int32()))),
  [OP.FLOAT]: (m, i) => m.push(parsePyFloat(decodeAscii(i.line()))),
  [OP.BINFLOAT]: (m, i) => m.push(float(i.double())),

  [OP.STRING]: (m, i) => m.push(decodeQuoted(i.line())),
  [OP.BINSTRING]: (m, i) => m.push(decodeAscii(i.take(nonNegative(i.int32())))),
  [OP.SHORT_BINSTRING]: (m, i) => m.push(decodeAscii(i.take(i.uint8()))),
  [OP.UNICODE]: (m, i) => m.push(decodeRawUnicodeEscape(i.line())),
  [OP.SHORT_BINUNICODE]: (m, i) => m.push(decodeUtf8(i.take(i.uint8()))),
  [OP.BINUNICODE]: (m, i) => m.push(decodeUtf8(i.take(i.uint32()))),
  [OP.BINUNICODE8]: (m, i) => m.push(decodeUtf8(i.take(i.length64()))),
  [OP.SHORT_BINBYTES]: (m, i) => m.push(Buffer.from(i.take(i.uint8()))),
  [OP.BINBYTES]: (m, i) => m.push(Buffer.from(i.take(i.uint32()))),
  [OP.BINBYTES8]: (m, i) => m.push(Buffer.from(i.take(i.length64()))),
  [OP.BYTEARRAY8]: (m, i) => m.push(new PyByteArray(Buffer.from(i.take(i.length64())))),

  [OP.EMPTY_TUPLE]: (m) => m.push(new PyTuple([])),
  [OP.TUPLE1]: (m) => m.popTuple(1),
  [OP.TUPLE2]: (m) => m.popTuple(2),
  [OP.TUPLE3]: (m) => m.popTuple(3),
  [OP.TUPLE]: (m) => m.push(new PyTuple(m.popMark())),
  [OP.EMPTY_LIST]: (m) => m.push([]),
  [OP.LIST]: (m) => m.push(m.popMark()),
  [OP.APPEND]: (m) => m.append([m.pop()]),
  [OP.APPENDS]: (m) => m.append(m.popMark()),
  [OP.EMPTY_DICT]: (m) => m.pushDict([]),
  [OP.DICT]: (m) => m.pushDict(m.popMark()),
  [OP.SETITEM]: (m) => {
    const value = m.pop();
    m.setItems([m.pop(), value]);
  },
  [OP.SETITEMS]: (m) => m.setItems(m.popMark()),
  [OP.EMPTY_SET]: (m) => m.push(new Set()),
  [OP.ADDITEMS]: (m) => m.addToSet(m.popMark()),
  [OP.FROZENSET]: (m) => m.frozenSet(),

  [OP.MARK]: (m) => m.mark(),
  [OP.POP]: (m) => m.discard(),
  [OP.POP_MARK]: (m) => void m.popMark(),
  [OP.DUP]: (m) => m.push(m.top()),
  [OP.PUT]: (m, i) => m.remember(parseIndex(decodeAscii(i.line()))),
  [OP.BINPUT]: (m, i) => m.remember(i.uint8()),
  [OP.LONG_BINPUT]: (m, i) => m.remember(i.uint32()),
  [OP.MEMOIZE]: (m) => m.rememberNext(),
  [OP.GET]: (m, i) => m.recall(parseIndex(decodeAscii(i.line()))),
  [OP.BINGET]: (m, i) => m.recall(i.uint8()),
  [OP.LONG_BINGET]: (m, i) => m.recall(i.uint32()),

  [OP.GLOBAL]: (m, i) => m.push(m.global(nameOf(i.line()), nameOf(i.line()))),
  [OP.STACK_GLOBAL]: (m) => m.stackGlobal(),
  [OP.REDUCE]: (m) => m.reduce(),
  [OP.NEWOBJ]: (m) => m.newObject(),
  [OP.NEWOBJ_EX]: (m) => m.newObjectEx(),
  [OP.INST]: (m, i) => {
    const callable = m.global(nameOf(i.line()), nameOf(i.line()));
    m.instance(callable, m.popMark());
  },
  [OP.OBJ]: (m) => {
    const [callable, ...args] = m.popMark();
    m.instance(callable ?? null, args);
  },
  [OP.BUILD]: (m) => m.build(),
  [OP.PERSID]: (m, i) => m.persistent(decodeAscii(i.line())),
  [OP.BINPERSID]: (m) => m.persistent(m.pop()),

  [OP.EXT1]: refuse('an entry of the extension registry, which only its writer has'),
  [OP.EXT2]: refuse('an entry of the extension registry, which only its writer has'),
  [OP.EXT4]: refuse('an entry of the extension registry, which only its writer has'),
  [OP.NEXT_BUFFER]: refuse('an out-of-band buffer, which only its writer has'),
  [OP.READONLY_BUFFER]: refuse('an out-of-band buffer, which only its writer has'),
};

function refuse(what: string): Operation {
  return () => {
    throw new PickleError(`it refers to ${what}`);
  };
}

function setProtocol(machine: PickleMachine, protocol: number): void {
  if (protocol > 5) throw new PickleError(`protocol ${protocol} is not known; 0 to 5 are`);
  machine.protocol = protocol;
}

function checkFrame(input: PickleInput, length: number): void {
  if (length > input.remaining) throw new PickleError(`the input ends inside of a frame`);
}

function nameOf(line: Buffer): string {
  if (line.length === 0) throw new PickleError('a class or function has no name');
  return decodeName(line);
}

function nonNegative(length: number): number {
  if (length < 0) throw new PickleError('a string has a negative length');
  return length;
}

function parseIntOrBool(text: string): PyValue {
  if (text === '00') return false;
  if (text === '01') return true;
  return parseDecimal(text);
}

function parseDecimal(text: string): number | bigint {
  // As Python writes it. Its C reader takes 010 for 8, and +1 and -0 for bools; nobody writes those.
  if (!/^(?:0|-?[1-9]\d*)$/.test(text)) throw new PickleError('an int is not decimal');
  if (text.length > MAX_DECIMAL_DIGITS) {
    throw new PickleError(`an int has over ${MAX_DECIMAL_DIGITS} digits`);
  }
  return integer(BigInt(text));
}

function parsePyFloat(text: string): PyValue {
  // Without blanks around it, as Python's C reader wants it.
  const lower = text.toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(lower);
  if (special) {
    if (special[2] === 'nan') return Number.NaN;
    return special[1] === '-' ? -Infinity : Infinity;
  }
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(lower)) {
    throw new PickleError('a float is not written as one');
  }
  const value = Number(lower);
  if (!Number.isFinite(value)) throw new PickleError('a float is beyond what a double holds');
  return float(value);
}

function parseIndex(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new PickleError('a memo index is not decimal');
  return Number(text);
}
