import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogOutput } from '../../src/log-output.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;

function opened(t: TestContext, path: string, flags: string | number) {
  const descriptor = openSync(path, flags);
  t.after(() => closeSync(descriptor));
  const lost: Buffer[] = [];
  return { descriptor, lost, output: new LogOutput(descriptor, (bytes) => lost.push(bytes)) };
}

/** Bytes that tell where they belong. */
function chunk(n: number, length: number): Buffer {
  return Buffer.from(`${String(n).padStart(length - 1, '.')}\n`);
}

test('bytes are written in their order, at the end too', async (t) => {
  const path = join(temporaryFolder(t), 'log');
  const { output } = opened(t, path, 'w');
  const chunks = Array.from({ length: 100 }, (_, n) => chunk(n, 1_000));
  for (const bytes of chunks.slice(0, 50)) output.write(bytes);
  await until('half of it is there', () => readFileSync(path).length === 50_000);
  // No turn of the event loop comes after this.
  for (const bytes of chunks.slice(50)) output.write(bytes);
  output.finish();
  await until('all of it is there', () => readFileSync(path).length === 100_000);
  assert.ok(
    readFileSync(path)
      .subarray(0, 50_000)
      .equals(Buffer.concat(chunks.slice(0, 50))),
  );
});

test('a disk that is full is tried again, fails nobody, and does not hold up the end', async (t) => {
  const { output, lost } = opened(t, '/dev/full', 'w');
  for (let n = 0; n < 16; n += 1) output.write(chunk(n, MIB));
  assert.equal(lost.length, 0);
  output.write(chunk(16, 1_000));
  assert.equal(lost.length, 1, 'there is room for 16 MiB');
  await new Promise((resolve) => setTimeout(resolve, 250));
  const began = performance.now();
  output.finish();
  assert.ok(performance.now() - began < 500);
});

test('a reader that stood still gets all that waited for it, in its order', async (t) => {
  const path = join(temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  const { descriptor, output, lost } = opened(t, path, constants.O_RDWR | constants.O_NONBLOCK);
  const chunks = Array.from({ length: 40 }, (_, n) => chunk(n, 10_007));
  for (const bytes of chunks) output.write(bytes);
  await new Promise((resolve) => setTimeout(resolve, 250));
  const read: Buffer[] = [];
  await until('all of it has come', () => {
    const bytes = Buffer.alloc(65_536);
    try {
      read.push(bytes.subarray(0, readSync(descriptor, bytes)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    return Buffer.concat(read).length >= 40 * 10_007;
  });
  assert.ok(Buffer.concat(read).equals(Buffer.concat(chunks)));
  assert.equal(lost.length, 0);
});

test('a pipe and a device get their bytes at once, a file and a pipe without room do not', async (t) => {
  const path = join(temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  const pipe = opened(t, path, constants.O_RDWR);
  assert.equal(pipe.output.write(chunk(0, 60_000)), true);
  assert.equal(pipe.output.write(chunk(1, 60_000)), false, 'a pipe takes 64 KiB');
  const bytes = Buffer.alloc(120_000);
  for (let read = 0; read < 120_000; ) {
    read += readSync(pipe.descriptor, bytes, read, 120_000 - read, null);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(bytes.equals(Buffer.concat([chunk(0, 60_000), chunk(1, 60_000)])));
  await until('what had to wait is done with', () => pipe.output.write(chunk(2, 10)) === true);
  assert.equal(opened(t, '/dev/null', 'w').output.write(chunk(0, 10)), true);
  const file = join(temporaryFolder(t), 'log');
  assert.equal(opened(t, file, 'w').output.write(chunk(0, 10)), false);
});

test('other writers to the same pipe still wait for their reader', async (t) => {
  const own = 'const { LogOutput } = await import(process.argv[1]); new LogOutput(1, () => {});';
  // Would fail with EAGAIN if the pipe were set to what the output needs.
  const more = "require('node:fs').writeSync(1, Buffer.alloc(1_000_000))";
  const script = `"$0" --input-type=module -e '${own}' "$1" && "$0" -e "${more}"`;
  const source = new URL('../../src/log-output.ts', import.meta.url).pathname;
  const child = spawn('sh', ['-c', script, process.execPath, source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  let length = 0;
  for await (const data of child.stdout) {
    length += data.length;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
  assert.deepEqual([length, code], [1_000_000, 0]);
});
