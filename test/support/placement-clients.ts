import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Placement } from '../../src/memcached/placement.ts';

const SCRIPT = fileURLToPath(new URL('./place_keys.py', import.meta.url));

/** The client library of each placement, and how it is set up. */
const CLIENTS: Record<Placement, { client: string; behaviors?: Record<string, boolean> }> = {
  pymemcache: { client: 'pymemcache' },
  'python-memcached': { client: 'python-memcached' },
  pylibmc: { client: 'pylibmc' },
  'pylibmc-ketama': { client: 'pylibmc', behaviors: { ketama: true } },
  'pylibmc-ketama-weighted': { client: 'pylibmc', behaviors: { ketama_weighted: true } },
};

/** Stores keys with the real client library; gives the index of the node that each is on by then. */
export async function placeWithRealClient(
  placement: Placement,
  nodes: readonly string[],
  keys: readonly string[],
): Promise<number[]> {
  const python = spawn('/usr/bin/python3', [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
  python.stdin.end(JSON.stringify({ ...CLIENTS[placement], nodes, keys }));
  const [output, complaint] = await Promise.all([
    text(python.stdout),
    text(python.stderr),
    once(python, 'close'),
  ]);
  if (python.exitCode !== 0) throw new Error(complaint);
  return JSON.parse(output) as number[];
}
