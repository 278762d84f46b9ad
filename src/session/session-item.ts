import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import type { Item } from '../memcached/client.ts';
import { readPickle } from './pickle-reader.ts';
import {
  MAX_PICKLE_BYTES,
  PickleError,
  PyByteArray,
  type PyDict,
  PyFloat,
  PyFrozenSet,
  PyGlobal,
  PyObject,
  PyPersistentId,
  PyTuple,
} from './pickle-values.ts';

/** The flags of pymemcache, python-memcached and pylibmc for a pickle, and for one compressed. */
export const PICKLE_FLAG = 1;
export const ZLIB_FLAG = 8;

const inflateAsync = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate);

/**
 * The dict of a session as one of Django's cache clients stored it, compressed or not. What it
 * inflates to is bounded by MAX_PICKLE_BYTES.
 * @throws PickleError where the item holds something else
 */
export async function readSessionItem(item: Item): Promise<PyDict> {
  if ((item.flags & ~ZLIB_FLAG) !== PICKLE_FLAG) {
    throw new PickleError(`flags ${item.flags} are not those of a pickled session`);
  }
  const value = readPickle(item.flags & ZLIB_FLAG ? await inflated(item.value) : item.value);
  if (isDict(value)) return value;
  throw new PickleError('the pickle is not of a dict');
}

async function inflated(bytes: Buffer): Promise<Buffer> {
  try {
    return await inflateAsync(bytes, { maxOutputLength: MAX_PICKLE_BYTES });
  } catch (cause) {
    const error = new PickleError(`the bytes do not inflate to ${MAX_PICKLE_BYTES} or less`);
    error.cause = cause;
    throw error;
  }
}

const OTHER_CLASSES = [
  Array,
  Set,
  Uint8Array,
  PyFloat,
  PyTuple,
  PyFrozenSet,
  PyByteArray,
  PyGlobal,
  PyObject,
  PyPersistentId,
];

function isDict(value: unknown): value is PyDict {
  if (typeof value !== 'object' || value === null) return false;
  return !OTHER_CLASSES.some((other) => value instanceof other);
}
