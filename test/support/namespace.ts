import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Says to a test file that it runs in a network namespace of its own. */
const MARK = 'TEST_IN_NAMESPACE';

/** Whether this process was started by `testInNamespace`. */
export function isInNamespace(): boolean {
  return process.env[MARK] !== undefined;
}

/** Whoever is left in it is killed with its first process, and that with this one, however it ends. */
const NAMESPACE = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

/**
 * Runs a test file in a network namespace that ends with it, where it may give itself addresses; fails
 * with what it says.
 */
export async function testInNamespace(file: string): Promise<void> {
  const privilege = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const unshare = ['unshare', ...NAMESPACE, ...privilege, process.execPath, file];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...unshare], {
    env: { ...env, [MARK]: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [told, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal(code, 0, told);
}

/** Configures the network of this namespace, as `ip` is told. */
export function ip(...words: string[]): void {
  assert.ok(isInNamespace(), 'the host keeps its addresses');
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
