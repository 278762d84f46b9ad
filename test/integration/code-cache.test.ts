import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { CodeCache } from '../../src/gateway/code-cache.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { recordingLogger } from '../support/log.ts';

const { logger } = recordingLogger();

/** The process id of a process that has ended. */
function ended(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('the compiled code of workers', () => {
  const { TMPDIR } = process.env;
  afterEach(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });

  test('is gone with its supervisor, and what killed ones have left goes when another starts', async (t) => {
    const folder = temporaryFolder(t);
    process.env.TMPDIR = folder;
    const left = `dashgate-code-${ended()}-Abcdef`;
    const others = [
      `dashgate-code-${process.ppid}-Abcdef`,
      'dashgate-code-of-another',
      'dashgate-other',
    ];
    for (const name of [left, ...others]) mkdirSync(join(folder, name));
    const link = `dashgate-code-${ended()}-link`;
    symlinkSync(join(folder, others[0]!), join(folder, link));

    const cache = (await CodeCache.create({}, logger))!;
    const { NODE_COMPILE_CACHE: used } = cache.env;
    assert.ok(readdirSync(used!).length > 0, 'there is compiled code');
    cache.remove();
    assert.deepEqual(readdirSync(folder).sort(), [...others, link].sort());
  });

  test('stays where NODE_COMPILE_CACHE says', async (t) => {
    const [folder, another] = [temporaryFolder(t), temporaryFolder(t)];
    process.env.TMPDIR = folder;
    const given = join(another, 'compiled');
    const cache = (await CodeCache.create({ NODE_COMPILE_CACHE: given }, logger))!;
    assert.equal(cache.env.NODE_COMPILE_CACHE, given);
    cache.remove();
    assert.ok(existsSync(given) && readdirSync(given).length > 0, 'there is compiled code');
    assert.deepEqual(readdirSync(folder), []);
  });

  test('is compiled once where it stays, and again for other sources', async (t) => {
    const given = temporaryFolder(t);
    const compiled = () => readdirSync(given).filter((name) => name !== 'dashgate-workers');
    const start = () => CodeCache.create({ NODE_COMPILE_CACHE: given }, logger);
    await start();
    for (const name of compiled()) rmSync(join(given, name), { recursive: true });
    await start();
    assert.deepEqual(compiled(), [], 'nothing was done');
    writeFileSync(join(given, 'dashgate-workers'), 'other sources');
    await start();
    assert.ok(compiled().length > 0, 'there is compiled code');
  });
});
