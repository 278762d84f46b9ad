import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { startBackend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

test('the example of the README runs as it stands there', async (t) => {
  const one = await startBackend(t, (_req, res) => void res.end('one'));
  const two = await startBackend(t, (_req, res) => void res.end('two'));
  const [port] = await freePorts(1);
  const readme = readFileSync(`${ROOT}README.md`, 'utf8');
  const [, example] = /```ts\n(.*?)```/s.exec(readme)!;
  const replaced = [
    ['127.0.0.1:8001', `127.0.0.1:${one.port}`],
    ['127.0.0.1:8002', `127.0.0.1:${two.port}`],
    ['/dashboard/auth/login/', '/health'],
    ['listen(8080)', `listen(${port}, '127.0.0.1')`],
  ].reduce((text, [from, to]) => {
    assert.ok(text.includes(from!), from);
    return text.replace(from!, to!);
  }, example!);
  // Beside the package, so that `dashgate/middleware` resolves to it.
  const file = `${ROOT}test/integration/readme-example-${process.pid}.tmp.ts`;
  writeFileSync(file, replaced);
  t.after(() => rmSync(file));
  const child = spawn(process.execPath, [file], { stdio: 'inherit' });
  t.after(() => child.kill('SIGKILL'));
  const get = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      (answer) => answer.text(),
      () => '',
    );
  await until('the example answers', async () => (await get('/about')) === 'served here');
  const served = [];
  for (let i = 0; i < 6; i++) served.push(await get('/dashboard/'));
  assert.equal(served.filter((name) => name === 'two').length, 4, served.join());
  assert.equal(served.filter((name) => name === 'one').length, 2, served.join());
});
