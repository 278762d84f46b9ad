import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPickle } from '../../src/session/pickle-reader.ts';
import {
  PickleError,
  PyByteArray,
  PyFloat,
  PyGlobal,
  PyObject,
  PyTuple,
} from '../../src/session/pickle-values.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';

function roundTrip(value: unknown): unknown {
  return readPickle(writePickle(value));
}

describe('writePickle', () => {
  it('writes protocol 4, which every Python from 3.4 on reads', () => {
    assert.deepEqual([...writePickle(null)], [0x80, 4, 0x4e, 0x2e]);
  });

  for (const value of [0, 255, 256, 65535, 65536, -1, -129, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1]) {
    it(`keeps the int ${value}`, () => assert.equal(roundTrip(value), value));
  }

  for (const value of [
    2n ** 53n,
    -(2n ** 63n),
    2n ** 2039n,
    2n ** 2040n,
    -(2n ** 2047n),
    3n ** 9000n,
  ]) {
    it(`keeps an int of ${value.toString(2).length} bits`, () => {
      assert.equal(roundTrip(value), value);
    });
  }

  it('narrows a bigint that is no wider than a number', () => {
    assert.equal(roundTrip(7n), 7);
  });

  it('tells floats from ints', () => {
    assert.equal(roundTrip(0.5), 0.5);
    assert.deepEqual(roundTrip(new PyFloat(1)), new PyFloat(1));
    assert.deepEqual(roundTrip(new PyFloat(-0)), new PyFloat(-0));
    assert.equal(roundTrip(-0), 0);
    assert.equal(roundTrip(2 ** 60), 2 ** 60);
    assert.equal(roundTrip(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
    assert.ok(Number.isNaN(roundTrip(Number.NaN)));
  });

  it('keeps shared references shared, and does not write them twice', () => {
    const common = { text: 'x'.repeat(1000) };
    const bytes = writePickle({ a: common, b: [common, common], c: 'x'.repeat(1000) });
    assert.ok(bytes.length < 1200, `${bytes.length} bytes`);
    const value = readPickle(bytes) as { a: unknown; b: unknown[] };
    assert.equal(value.a, value.b[0]);
    assert.equal(value.a, value.b[1]);
  });

  it('writes the bytes of a bytearray that are also elsewhere once, and counts the memo right', () => {
    const common = Buffer.from('common');
    const list = ['last'];
    const value = roundTrip([common, new PyByteArray(common), list, list]) as unknown[];
    assert.deepEqual(value, [common, new PyByteArray(common), list, list]);
    assert.equal(value[2], value[3]);
  });

  it('leaves out what is undefined in an object and writes null for it in an array, as JSON', () => {
    assert.deepEqual(roundTrip({ a: undefined, b: [undefined, 1] }), {
      __proto__: null,
      b: [null, 1],
    });
  });

  it('writes __proto__ as the plain name that it is', () => {
    const value = roundTrip(JSON.parse('{"__proto__": {"a": 1}}')) as object;
    assert.deepEqual(Object.keys(value), ['__proto__']);
  });

  it('writes more than 256 shared values', () => {
    const lists = Array.from({ length: 400 }, (_, i) => [i]);
    const value = roundTrip([...lists, ...lists]) as unknown[];
    assert.equal(value.length, 800);
    assert.equal(value[399], value[799]);
  });

  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    [
      'a function',
      { user: { greet: () => 1 } },
      /^at user\.greet: a value of type function cannot/,
    ],
    ['a symbol', [1, Symbol('s')], /^at \[1\]: a value of type symbol cannot/],
    ['undefined itself', undefined, /^a value of type undefined cannot/],
    ['a Date', { when: new Date(0) }, /^at when: an instance of Date cannot be stored; store its/],
    ['an instance of a class', new (class Cart {})(), /an instance of Cart cannot be stored/],
    ['an array that claims 2^32 - 1 items', new Array(2 ** 32 - 1), /over 8388608 bytes/],
    ['a list as a key', new Map([[[1], 2]]), /one that Python cannot hash/],
    ['a list in a tuple in a set', new Set([new PyTuple([[]])]), /one that Python cannot hash/],
    ['a string beyond the limit', 'x'.repeat(9 * 1024 * 1024), /over 8388608 bytes/],
  ];
  for (const [name, value, message] of refused) {
    it(`refuses ${name}, and says where it is`, () => {
      assert.throws(() => writePickle(value), { name: 'PickleError', message });
    });
  }

  it('writes 1,000 levels, and refuses more', () => {
    const nest = (levels: number, ...innermost: unknown[]) => {
      let value: unknown[] = innermost;
      for (let i = 0; i < levels; i++) value = [value];
      return value;
    };
    assert.deepEqual(roundTrip(nest(1000)), nest(1000));
    assert.deepEqual(roundTrip(nest(1000, 'é', 7, null)), nest(1000, 'é', 7, null));
    assert.throws(() => writePickle(nest(1001)), PickleError);
    assert.throws(() => writePickle(nest(1000, Buffer.from('x'))), PickleError);
    assert.throws(() => writePickle(nest(1_000_000)), /deeper than 1000/);
  });

  it('writes a class that JavaScript describes, with all that its state refers to', () => {
    const token = new PyObject(
      'newobj',
      new PyGlobal('openstack_auth.user', 'Token'),
      new PyTuple([]),
    );
    token.state = { id: 't', self: token };
    const read = roundTrip({ token }) as { token: PyObject };
    assert.deepEqual(read.token.callable, token.callable);
    assert.equal((read.token.state as Record<string, unknown>).self, read.token);
  });
});

describe('what stands for Python in JSON', () => {
  it('is short and without contents for an object, however its graph goes', () => {
    const object = new PyObject('newobj', new PyGlobal('a', 'Secret'), new PyTuple([]));
    object.state = { password: 'hidden', self: object };
    const value = { object, float: new PyFloat(2), tuple: new PyTuple([1]) };
    assert.equal(JSON.stringify(value), '{"object":"<a.Secret object>","float":2,"tuple":[1]}');
  });
});
