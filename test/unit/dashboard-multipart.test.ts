import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MultipartError,
  multipartBoundary,
  readMultipart,
} from '../../src/demo/dashboard-multipart.ts';

const BOUNDARY = 'xYz';
const FILE = 'line\r\n--xY\r\n-- not the boundary\r\n';
const BODY = Buffer.from(
  [
    'a preamble to be dropped\r\n--xYz\r\n',
    'Content-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n',
    'tök\r\n--xYz\r\n',
    'Content-Type: application/octet-stream\r\n',
    'content-disposition: form-data; name="file"; filename="ä.raw"\r\n\r\n',
    `${FILE}\r\n--xYz\r\n`,
    'Content-Disposition: form-data; name="empty"\r\n\r\n',
    '\r\n--xYz--\r\nan epilogue --xYz\r\n',
  ].join(''),
);

interface Part {
  name: string;
  filename: string | undefined;
  text: string;
}

async function parts(pieces: readonly Buffer[], boundary = BOUNDARY): Promise<Part[]> {
  async function* body() {
    yield* pieces;
  }
  const found: (Omit<Part, 'text'> & { bytes: Buffer[] })[] = [];
  for await (const event of readMultipart(body(), boundary)) {
    if (event.type === 'data') found.at(-1)?.bytes.push(event.chunk);
    else found.push({ name: event.name, filename: event.filename, bytes: [] });
  }
  return found.map(({ name, filename, bytes }) => ({
    name,
    filename,
    text: Buffer.concat(bytes).toString(),
  }));
}

const PARTS: readonly Part[] = [
  { name: 'csrfmiddlewaretoken', filename: undefined, text: 'tök' },
  { name: 'file', filename: 'ä.raw', text: FILE },
  { name: 'empty', filename: undefined, text: '' },
];

test('a form cut in two anywhere gives the same parts', async () => {
  for (let cut = 0; cut <= BODY.length; cut++) {
    const pieces = [BODY.subarray(0, cut), BODY.subarray(cut)];
    assert.deepEqual(await parts(pieces), PARTS, `cut at ${cut}`);
  }
});

test('a form that arrives byte by byte gives the same parts', async () => {
  assert.deepEqual(await parts(Array.from(BODY, (byte) => Buffer.from([byte]))), PARTS);
});

test('a form that begins with its boundary needs no line end before it', async () => {
  const body = Buffer.from('--xYz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xYz--');
  assert.deepEqual(await parts([body]), [{ name: 'a', filename: undefined, text: '1' }]);
});

test('a form that ends too early is an error wherever it ends', async () => {
  const end = BODY.indexOf('--xYz--') + '--xYz--'.length;
  for (let length = 0; length < end; length++) {
    await assert.rejects(parts([BODY.subarray(0, length)]), MultipartError, `length ${length}`);
  }
});

test('a part without a name, with an endless head, or with stray bytes is an error', async () => {
  for (const [body, message] of [
    ['--xYz\r\nContent-Disposition: form-data\r\n\r\n1\r\n--xYz--', /no name/],
    ['--xYz\r\nX: 1\r\n\r\n1\r\n--xYz--', /no name/],
    [`--xYz\r\nX: ${'x'.repeat(9000)}\r\n\r\n1\r\n--xYz--`, /longer than 8192/],
    [`--xYz\r\nX: ${'x'.repeat(9000)}`, /longer than 8192/],
    ['--xYz123\r\n', /stray bytes/],
  ] as const) {
    await assert.rejects(parts([Buffer.from(body)]), {
      name: 'MultipartError',
      message,
      status: 400,
    });
  }
});

test('the boundary is read from the content type, bare or quoted', () => {
  assert.equal(multipartBoundary('multipart/form-data; boundary=----WebKit1'), '----WebKit1');
  assert.equal(multipartBoundary('Multipart/Form-Data;boundary="a b"'), 'a b');
  for (const type of [
    undefined,
    'text/plain',
    'multipart/form-data',
    'multipart/mixed; boundary=a',
  ]) {
    assert.equal(multipartBoundary(type), undefined);
  }
});
