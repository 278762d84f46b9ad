import {
  PickleError,
  PyByteArray,
  PyFrozenSet,
  PyGlobal,
  type PyObject,
  type PyValue,
} from './pickle-values.ts';

/**
 * The value of a call by which an older protocol spells a value that has opcodes of its own in a
 * newer one: bytes, bytearray, set and frozenset; undefined for every other call.
 *
 * @param charge is told the size of what is copied, and throws where that is too much
 */
export function builtInValue(
  callable: PyGlobal | PyObject,
  args: readonly PyValue[],
  charge: (size: number) => void,
): PyValue | undefined {
  if (!(callable instanceof PyGlobal)) return undefined;
  const [first, encoding] = args;
  switch (String(callable)) {
    case '_codecs.encode':
      return args.length === 2 ? latin1(first, encoding, charge) : undefined;
    case 'builtins.bytes':
      return args.length === 0 ? Buffer.alloc(0) : undefined;
    case 'builtins.bytearray': {
      const bytes = args.length === 0 ? Buffer.alloc(0) : bytesOf(first, encoding, charge);
      return bytes && new PyByteArray(bytes);
    }
    case 'builtins.set':
    case 'builtins.frozenset': {
      if (args.length !== 1 || !Array.isArray(first)) return undefined;
      charge(first.length);
      return callable.qualname === 'set' ? new Set(first) : new PyFrozenSet(first);
    }
    default:
      return undefined;
  }
}

function bytesOf(
  source: PyValue | undefined,
  encoding: PyValue | undefined,
  charge: (size: number) => void,
): Buffer | undefined {
  if (!(source instanceof Uint8Array)) return latin1(source, encoding, charge);
  if (encoding !== undefined) return undefined;
  charge(source.length);
  return Buffer.from(source);
}

function latin1(
  text: PyValue | undefined,
  encoding: PyValue | undefined,
  charge: (size: number) => void,
): Buffer | undefined {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    return undefined;
  }
  charge(text.length);
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.toString('latin1') !== text) throw new PickleError('bytes hold more than a byte');
  return bytes;
}
