import {
  PyByteArray,
  PyFloat,
  PyFrozenSet,
  PyTuple,
  type PyValue,
} from '../../../src/session/pickle-values.ts';

/** Deepest nesting of what is built. */
const DEEPEST = 30;
const MOST_VALUES = 300;
const TEXTS = [
  '',
  'a',
  'key',
  '__proto__',
  '0',
  '12',
  'é€',
  '\ud83d\ude00',
  '\ud83d',
  '\ude00x',
].concat(['\0', '\n', 'x'.repeat(255), 'x'.repeat(256), 'ÿ'.repeat(300)]);
const NUMBERS = [0, -0, 1, -1, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31)]
  .concat([-(2 ** 31) - 1, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 0.1, 1.5, 1e300, 5e-324])
  .concat([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);

/**
 * Builds a value as bytes say, of all kinds that are plain: shared and in cycles, too. What cannot be
 * stored is `undefined` within a list or dict, or missing from it.
 */
export class Builder {
  readonly #bytes: Buffer;
  #at = 0;
  #left = MOST_VALUES;
  /** What may be met again. */
  readonly #shared: PyValue[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth = 0): PyValue {
    this.#left -= 1;
    const kind = this.#next() % 20;
    if (this.#left <= 0 || (depth > DEEPEST && kind >= 10)) return null;
    if (kind < 10) return this.#atom(kind);
    return this.#container(kind, depth);
  }

  #atom(kind: number): PyValue {
    switch (kind) {
      case 0:
        return null;
      case 1:
        return this.#next() % 2 === 0;
      case 2:
        return this.#number();
      case 3:
        return this.#bigint();
      case 4:
        return new PyFloat(this.#number());
      case 5:
        return this.#take(this.#next()).toString('utf16le');
      case 6:
        return this.#share(Buffer.from(this.#take(this.#next())));
      case 7:
        return this.#share(new PyByteArray(Buffer.from(this.#take(this.#next() % 9))));
      case 8:
        return this.#shared[this.#next() % this.#shared.length] ?? null;
      default:
        return TEXTS[this.#next() % TEXTS.length]!;
    }
  }

  #container(kind: number, depth: number): PyValue {
    const count = this.#next() % 6;
    switch (kind) {
      case 10:
      case 11: {
        const list: PyValue[] = [];
        this.#share(list);
        for (let i = 0; i < count; i++) list.push(this.#valueOrNothing(depth));
        return list;
      }
      case 12:
      case 13: {
        const dict: Record<string, PyValue> =
          kind === 12 ? Object.create(null) : ({} as Record<string, PyValue>);
        this.#share(dict);
        for (let i = 0; i < count; i++) {
          const key = TEXTS[this.#next() % TEXTS.length]!;
          if (kind === 13 && key === '__proto__') continue;
          dict[key] = this.#valueOrNothing(depth);
        }
        return dict;
      }
      case 14: {
        const map = new Map<PyValue, PyValue>();
        this.#share(map);
        for (let i = 0; i < count; i++) map.set(this.#key(depth), this.#valueOrNothing(depth));
        return map;
      }
      case 15: {
        const set = new Set<PyValue>();
        this.#share(set);
        for (let i = 0; i < count; i++) set.add(this.#key(depth));
        return set;
      }
      case 16: {
        const set = new PyFrozenSet(Array.from({ length: count }, () => this.#key(depth)));
        return this.#share(set);
      }
      default: {
        const items: PyValue[] = [];
        const tuple = new PyTuple(items);
        // Of a tuple that is reached through its own items as well.
        if (kind === 17) this.#share(tuple);
        for (let i = 0; i < count; i++) items.push(this.value(depth + 1));
        return kind === 18 ? this.#share(tuple) : tuple;
      }
    }
  }

  /** What Python can hash. */
  #key(depth: number): PyValue {
    if (depth < DEEPEST && this.#next() % 5 === 0) {
      return new PyTuple(Array.from({ length: this.#next() % 4 }, () => this.#key(depth + 1)));
    }
    const kind = this.#next() % 10;
    return this.#atom(kind === 7 || kind === 8 ? 9 : kind);
  }

  #valueOrNothing(depth: number): PyValue {
    return this.#next() === 0xff ? (undefined as unknown as PyValue) : this.value(depth + 1);
  }

  #number(): number {
    const choice = this.#next();
    if (choice < 128) return NUMBERS[choice % NUMBERS.length]!;
    const bytes = Buffer.alloc(8);
    this.#take(8).copy(bytes);
    return choice < 192 ? bytes.readInt32LE() : bytes.readDoubleLE();
  }

  #bigint(): bigint {
    const length = this.#next();
    const bytes = this.#take(length);
    const magnitude = bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
    return length % 2 === 0 ? magnitude : -magnitude;
  }

  #share<T extends PyValue>(value: T): T {
    this.#shared.push(value);
    return value;
  }

  #next(): number {
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  #take(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }
}
