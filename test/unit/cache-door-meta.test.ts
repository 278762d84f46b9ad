import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MetaRequest, metaLine, readMeta } from '../../src/cache/door-meta.ts';

function read(line: string): MetaRequest {
  const words = line.split(' ');
  const request = readMeta(words[0] as 'mg', words);
  assert.ok('command' in request, line);
  return request;
}

describe('a meta command goes to the store', () => {
  for (const [sent, key, flags] of [
    ['mg a', 'a', []],
    ['mg a v k O12 q t c', 'a', ['v', 't', 'c']],
    ['mg a T030 N+5 R-1', 'a', ['T30', 'N5', 'R-1']],
    ['mg a sjunk P1 L2', 'a', ['s']],
    ['mg a C5 MS F1 D1 J1 I v', 'a', ['v']],
    ['mg Zm9v b v', 'foo', ['v']],
    [
      'ms a 5 T0 F4294967297 C18446744073709551615 ME I c v t',
      'a',
      ['T0', 'F1', 'C18446744073709551615', 'ME', 'I', 'c'],
    ],
    ['ms /+8= 5 b', 'ÿï', []],
    ['md a q C5 I T7 O1 k v', 'a', ['C5', 'I', 'T7']],
  ] as const) {
    it(`with its key plain and its flags checked: ${sent}`, () => {
      const { command } = read(sent);
      assert.deepEqual(command, { verb: sent.slice(0, 2), key, flags });
    });
  }
});

describe('the line that a node answers gets back what the door kept', () => {
  for (const [sent, answered, told] of [
    ['mg a', 'HD', 'HD'],
    ['mg a k O1', 'HD', 'HD ka O1'],
    ['mg a s k v O1 t', 'VA 5 s5 t-1', 'VA 5 s5 ka O1 t-1'],
    ['mg a O1 f k', 'EN', 'EN O1 ka'],
    ['mg a k c', 'HD c7 W Z', 'HD ka c7 W Z'],
    ['mg Zm9v b k v', 'VA 1', 'VA 1 kZm9v b'],
    ['mg Zm9v k b', 'EN', 'EN kZm9v b'],
    ['ms a 2 k q c O9', 'HD c12', 'HD ka c12 O9'],
    ['md a q k', 'NF', 'NF ka'],
  ] as const) {
    it(`${sent}: ${told}`, () => {
      const answer = answered.startsWith('VA') ? { value: Buffer.from('1') } : {};
      assert.equal(metaLine(read(sent), { line: answered, ...answer }), told);
    });
  }
});
