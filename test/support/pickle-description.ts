import {
  PyByteArray,
  PyFloat,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PyTuple,
  type PyValue,
} from '../../src/session/pickle-values.ts';

/** The same description that `describe` of test/support/django/pickle_cases.py gives. */
export function describePickle(value: PyValue): unknown {
  return new Description().of(value);
}

class Description {
  readonly #seen = new Map<object, number>();

  of(value: PyValue): unknown {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'bigint') return { int: String(value) };
    if (typeof value === 'number') {
      return Number.isSafeInteger(value) ? { int: String(value) } : floatOf(value);
    }
    if (value instanceof PyFloat) return floatOf(value.value);
    if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
    if (value instanceof PyByteArray) {
      return { bytearray: Buffer.from(value.bytes).toString('hex') };
    }
    if (value instanceof PyTuple) return { tuple: value.items.map((item) => this.of(item)) };
    if (value instanceof PyFrozenSet) return { frozenset: this.#sorted(value.items) };
    if (value instanceof PyGlobal) return { global: String(value) };
    return this.#shared(value);
  }

  #shared(value: object): unknown {
    const again = this.#seen.get(value);
    if (again !== undefined) return { again };
    this.#seen.set(value, this.#seen.size);
    if (Array.isArray(value)) return { list: value.map((item) => this.of(item)) };
    if (value instanceof Set) return { set: this.#sorted(value) };
    if (value instanceof Map) return { dict: this.#pairs([...value]) };
    if (value instanceof PyObject) return this.#object(value);
    return { dict: this.#pairs(Object.entries(value)) };
  }

  #object(object: PyObject): unknown {
    const { construction, callable, args, kwargs, listItems, dictItems } = object;
    const described: Record<string, unknown> = {
      object: construction,
      callable: this.of(callable),
      args: this.of(args),
    };
    if (kwargs !== undefined) described.kwargs = this.of(kwargs);
    if (listItems.length > 0) described.items = listItems.map((item) => this.of(item));
    if (dictItems.length > 0) {
      const pairs = Array.from({ length: dictItems.length / 2 }, (_, i) => i * 2);
      described.entries = this.#pairs(
        pairs.map((i) => [dictItems[i] as PyValue, dictItems[i + 1] as PyValue]),
      );
    }
    if (object.stateSetter !== undefined) described.setter = this.of(object.stateSetter);
    if (object.state !== undefined) described.state = this.of(object.state);
    return described;
  }

  #pairs(entries: readonly (readonly [PyValue, PyValue])[]): unknown {
    const byKey = new Map(entries.map(([key, value]) => [toJson(this.of(key)), value]));
    return [...byKey.keys()]
      .sort()
      .map((key) => [JSON.parse(key), this.of(byKey.get(key) as PyValue)]);
  }

  #sorted(items: Iterable<PyValue>): unknown {
    const described = Array.from(items, (item) => toJson(this.of(item)));
    return described.sort().map((item) => JSON.parse(item));
  }
}

/** As Python's json.dumps writes it, with everything beyond ASCII escaped. */
function toJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function floatOf(value: number): unknown {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return { float: bytes.toString('hex') };
}
