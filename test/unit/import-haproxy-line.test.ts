// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables look like this
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOf } from '../../src/import-haproxy/line.ts';
import { durationText, millisecondsOf } from '../../src/import-haproxy/time.ts';

const VARIABLES: Readonly<Record<string, string>> = { HOST: '10.0.0.1', LIST: 'a b  c', EMPTY: '' };
const read = (line: string) => wordsOf(line, (name) => VARIABLES[name]);
const words = (line: string) => read(line).words;

test('blanks part words, and a hash begins a comment', () => {
  assert.deepEqual(words('  server\tone  10.0.0.1:80   check\r'), [
    'server',
    'one',
    '10.0.0.1:80',
    'check',
  ]);
  assert.deepEqual(words('mode http # of course'), ['mode', 'http']);
  assert.deepEqual(words('mode http#x'), ['mode', 'http']);
  assert.deepEqual(words('   # nothing'), []);
  assert.deepEqual(words(''), []);
});

test('escapes, strong and weak quotes are as section 2.2 of the manual has them', () => {
  const equal = [
    'log-format %{+Q}o\\ %t\\ %s\\ %{-Q}r',
    'log-format "%{+Q}o %t %s %{-Q}r"',
    "log-format '%{+Q}o %t %s %{-Q}r'",
    `log-format "%{+Q}o %t"' %s %{-Q}r'`,
    `log-format "%{+Q}o %t"' %s'\\ %{-Q}r`,
  ];
  for (const line of equal) {
    assert.deepEqual(words(line), ['log-format', '%{+Q}o %t %s %{-Q}r'], line);
  }
  assert.deepEqual(words('a \\# \\\\ \\\' \\" \\x41\\x0a \\t|\\r|\\n'), [
    'a',
    '#',
    '\\',
    "'",
    '"',
    'A\n',
    '\t|\r|\n',
  ]);
  assert.deepEqual(words('"it\'s # \\"one\\" \\$5"'), ['it\'s # "one" $5']);
  assert.deepEqual(words('\'a\\b "c" $HOST # d\''), ['a\\b "c" $HOST # d']);
  assert.deepEqual(words(`cookie "" ''`), ['cookie', '', '']);
});

test('a backslash before anything else stays, as regular expressions need it', () => {
  assert.deepEqual(words('rspirep ^Location:\\ http://(.*)\\. Location:\\ https://\\1'), [
    'rspirep',
    '^Location: http://(.*)\\.',
    'Location: https://\\1',
  ]);
  assert.deepEqual(words('ends with\\'), ['ends', 'with\\']);
});

test('variables are replaced in double quotes alone', () => {
  assert.deepEqual(words('bind "$HOST:80" ${HOST} $HOST \'$HOST\''), [
    'bind',
    '10.0.0.1:80',
    '${HOST}',
    '$HOST',
    '$HOST',
  ]);
  assert.deepEqual(words('"${HOST}" "${NONE-else where}" "${EMPTY-x}"'), [
    '10.0.0.1',
    'else where',
    '',
  ]);
  assert.deepEqual(words('x "${LIST}" "${LIST[*]}"'), ['x', 'a b  c', 'a', 'b', 'c']);
  assert.match(read('bind "$NONE:80"').problem ?? '', /variable NONE.*NONE=…/);
  assert.match(read('bind "$:80"').problem ?? '', /names no variable/);
});

test('what is broken or endless is told, not read', () => {
  assert.match(read('x "never closed').problem ?? '', /quote " that is not closed/);
  assert.match(read('\\xZZ').problem ?? '', /without two hexadecimal digits/);
  assert.match(read("x 'never closed").problem ?? '', /quote ' that is not closed/);
  assert.match(read('x '.repeat(400)).problem ?? '', /more than 256 words/);
  assert.match(read('x'.repeat(70_000)).problem ?? '', /longer than 65536/);
});

test('times are in milliseconds unless they have a unit', () => {
  const times = { 5000: 5000, '10s': 10_000, '2m': 120_000, '1h': 3_600_000, '1d': 86_400_000 };
  for (const [text, ms] of Object.entries(times)) assert.equal(millisecondsOf(text), ms);
  assert.equal(millisecondsOf('1500us'), 2);
  for (const text of ['', '10 s', '-1', '1w', '1.5s', '9'.repeat(20), undefined]) {
    assert.equal(millisecondsOf(text), undefined);
  }
  assert.deepEqual([5000, 90_000, 3_600_000, 86_400_000, 1500, 1].map(durationText), [
    '5s',
    '90s',
    '1h',
    '1d',
    '1500ms',
    '1ms',
  ]);
});
