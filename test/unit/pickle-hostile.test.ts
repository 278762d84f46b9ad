import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPickle } from '../../src/session/pickle-reader.ts';
import { MAX_PICKLE_BYTES, PyObject, PyPersistentId } from '../../src/session/pickle-values.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';

/** Bytes from text in which every character is one byte. */
function bytes(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join(''), 'latin1');
}

const MANY = 200_000;

const REFUSED: readonly (readonly [name: string, pickle: Buffer, message: RegExp])[] = [
  ['nothing at all', bytes(''), /byte 0: the input ends before the pickle does/],
  ['an end without a value', bytes('.'), /byte 0: the stack is empty/],
  ['an opcode that does not exist', bytes('\xff.'), /byte 0: there is no opcode 255/],
  ['protocol 6', bytes('\x80\x06N.'), /byte 0: protocol 6 is not known/],
  ['a string of 4 GiB', bytes('X\xff\xff\xff\xffab.'), /4294967295 more bytes should be, with 3/],
  ['a string of 2^64 bytes', bytes('\x8d', '\xff'.repeat(8), 'ab.'), /more bytes should be/],
  ['bytes of 2^63 bytes', bytes('\x8e', '\0'.repeat(7), '\x80ab.'), /more bytes should be/],
  ['a bytearray of 2^40 bytes', bytes('\x96\0\0\0\0\0\x01\0\0.'), /more bytes should be/],
  ['a string of a negative length', bytes('T\xff\xff\xff\xffab.'), /negative length/],
  ['an int of a negative length', bytes('\x8b\xff\xff\xff\xffab.'), /negative length/],
  ['an int of 2 GiB', bytes('\x8b\xff\xff\xff\x7fab.'), /more bytes should be/],
  ['a frame beyond the end', bytes('\x80\x04\x95\x05\0\0\0\0\0\0\0N.'), /inside of a frame/],
  ['a line without an end', bytes('I123'), /inside of a line/],
  ['an int in words', bytes('Iten\n.'), /an int is not decimal/],
  ['an int that C would read in base 8', bytes('I010\n.'), /an int is not decimal/],
  ['an int of a sign that Python reads as True', bytes('I+1\n.'), /an int is not decimal/],
  ['an int that Python reads as False', bytes('I-0\n.'), /an int is not decimal/],
  ['an int with a blank before it', bytes('I 1\n.'), /an int is not decimal/],
  ['a class without a name', bytes('ca\n\n.'), /no name/],
  ['a class whose name has a lone surrogate', bytes('ca\n\xed\xb2\x80\n.'), /name .* is not UTF-8/],
  ['an int of 5,000 digits', bytes('L', '9'.repeat(5000), 'L\n.'), /over 4300 digits/],
  ['a float in words', bytes('F1.2.3\n.'), /a float is not written as one/],
  ['a float with a blank before it', bytes('F 2.5\n.'), /a float is not written as one/],
  ['a string without quotes', bytes('Sabc\n.'), /a string is not quoted/],
  ['a string that ends in its escape', bytes("S'abc\\'\n."), /an escape is cut short/],
  ['a str of Python 2 beyond ASCII', bytes('U\x02\xc3\xbc.'), /not ASCII/],
  ['a \\u escape cut short', bytes('V\\u12\n.'), /escape is cut short/],
  ['a \\U escape out of range', bytes('V\\U00110000\n.'), /beyond U\+10FFFF/],
  ['a string that is not UTF-8', bytes('X\x02\0\0\0\xff\xfe.'), /not UTF-8/],
  ['a surrogate cut short', bytes('X\x02\0\0\0\xed\xa0.'), /not UTF-8/],
  ['a memo entry that was never made', bytes('h\x07.'), /memo has no entry 7/],
  ['a memo entry of a negative index', bytes('Np-1\n.'), /memo index is not decimal/],
  ['a memo entry of nothing', bytes('q\0N.'), /the stack is empty/],
  ['a mark that was never set', bytes('Nt.'), /no mark on the stack/],
  ['a value from below the mark', bytes('N(\x85.'), /the stack is empty/],
  ['a dict of a key without a value', bytes('(Nd.'), /a key without a value/],
  ['items of a dict cut in half', bytes('}(Nu.'), /a key without a value/],
  ['a float that no double holds', bytes('F-1e999\n.'), /beyond what a double holds/],
  ['a list as a key', bytes('}]Ns.'), /cannot hash/],
  ['a dict as a key', bytes('}}Ns.'), /cannot hash/],
  ['a bytearray as an item of a set', bytes('\x8f(\x96', '\0'.repeat(8), '\x90.'), /cannot hash/],
  ['a list in a frozenset', bytes('(]\x91.'), /cannot hash/],
  ['a tuple with a list as a key', bytes('}]\x85\x85Ns.'), /cannot hash/],
  ['a tuple in its own list as a key', bytes('}]q\0h\0\x85q\x01a0h\x01Ns.'), /cannot hash/],
  ['tuples in tuples without end as a key', bytes('}N', '\x85'.repeat(100_000), 'Ns.'), /deeper/],
  ['an item appended to a number', bytes('K\x01Na.'), /appended to what is no list/],
  ['an item set on a list', bytes(']NNs.'), /set on what is no dict/],
  ['an item added to a list', bytes('](N\x90.'), /added to what is no set/],
  ['a call of a string', bytes('X\x01\0\0\0a)R.'), /neither a class nor a function/],
  ['arguments that are a list', bytes('cos\nsystem\n]R.'), /arguments are no tuple/],
  ['keyword arguments that are a list', bytes('ca\nb\n)]\x92.'), /keyword arguments are no dict/],
  ['a class of no name', bytes('(o.'), /neither a class nor a function/],
  ['a global named by a number', bytes('K\x01K\x02\x93.'), /not named by strings/],
  ['a state for a list', bytes(']Nb.'), /what has no attributes/],
  ['a state twice', bytes('ca\nb\n)RNbNb.'), /given a state twice/],
  ['the extension registry', bytes('\x82\x01.'), /extension registry/],
  ['the extension registry, 4 bytes', bytes('\x84\x01\0\0\0.'), /extension registry/],
  ['an out-of-band buffer', bytes('\x97.'), /out-of-band buffer/],
  ['text in bytes', bytes('c_codecs\nencode\n(V\\u0100\nVlatin1\ntR.'), /more than a byte/],
  ['a nest of lists', bytes('('.repeat(MANY), 'l'.repeat(MANY), '.'), /deeper than 1000/],
  ['a nest of dicts', bytes('}', 'K\x01}'.repeat(MANY), 's'.repeat(MANY), '.'), /deeper than 1000/],
  ['a nest of tuples', bytes(')', '\x85'.repeat(MANY), '.'), /deeper than 1000/],
  ['a nest of calls', bytes('ca\nb\n', ')R'.repeat(MANY), '.'), /deeper than 1000/],
  ['a nest of states', bytes('ca\nb\n)R'.repeat(MANY), 'b'.repeat(MANY - 1), '.'), /deeper than/],
  ['a nest of persistent ids', bytes('N', 'Q'.repeat(MANY), '.'), /deeper than 1000/],
  ['more bytes than the limit', Buffer.alloc(MAX_PICKLE_BYTES + 1, 'N'), /over 8388608/],
  ['opcodes without end', bytes('\x8f'.repeat(MAX_PICKLE_BYTES)), /over 1048576 opcodes/],
  [
    'a list made into sets again and again',
    bytes(
      'cbuiltins\nset\nq\x01](',
      'N'.repeat(1000),
      'e\x85q\x020',
      'h\x01h\x02R'.repeat(10),
      '.',
    ),
    /copied again and again/,
  ],
];

describe('a hostile pickle', () => {
  for (const [name, pickle, message] of REFUSED) {
    it(`is refused with its cause: ${name}`, () => {
      assert.throws(() => readPickle(pickle), { name: 'PickleError', message });
    });
  }

  it('that runs a command when Python loads it is plain data here', () => {
    const value = readPickle(bytes("cos\nsystem\n(S'touch pwned'\ntR."));
    assert.ok(value instanceof PyObject);
    assert.equal(String(value.callable), 'os.system');
    assert.deepEqual(value.args.items, ['touch pwned']);
  });

  it('that names __proto__ and constructor pollutes nothing', () => {
    const value = readPickle(
      bytes('}(V__proto__\n}Vpolluted\nI01\nsVconstructor\n}Vprototype\n}Vpolluted\nI01\nssu.'),
    ) as Record<string, unknown>;
    assert.deepEqual(Object.keys(value), ['__proto__', 'constructor']);
    assert.equal(Object.getPrototypeOf(value), null);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  it('may use any memo index', () => {
    assert.deepEqual(readPickle(bytes(']r\xff\xff\xff\xff0j\xff\xff\xff\xff.')), []);
    assert.deepEqual(readPickle(bytes(']p999999999999\n0g999999999999\n.')), []);
  });

  it('of endless doublings takes no more memory than its own size', () => {
    const doublings = bytes(']', '2\x86'.repeat(900), '.');
    const value = readPickle(doublings);
    assert.ok(writePickle(value).length < 10 * doublings.length);
  });

  it('may refer to what lies outside of it, which stays a reference', () => {
    const value = readPickle(bytes('Ppersistent\n.'));
    assert.ok(value instanceof PyPersistentId);
    assert.equal(value.id, 'persistent');
    assert.deepEqual(readPickle(writePickle(value)), value);
  });

  it('may be followed by anything', () => {
    assert.equal(readPickle(bytes('N.garbage')), null);
  });
});
