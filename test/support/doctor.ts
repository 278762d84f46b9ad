import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../src/config.ts';
import { examine } from '../../src/doctor/doctor.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import type { Placement } from '../../src/memcached/placement.ts';
import { gatewaySettings } from './gateway.ts';

const PLACE_KEYS = fileURLToPath(new URL('./place_keys.py', import.meta.url));

/** What the doctor finds in a deployment with these settings, over those of a test's gateway. */
export async function findings(
  t: TestContext,
  settings: Record<string, string>,
): Promise<readonly Finding[]> {
  const env = { PORTAL_BACKENDS: 'http://127.0.0.1:9', ...(await gatewaySettings(t)), ...settings };
  const found = await examine(() => parseConfig(env), { env: { PATH: process.env.PATH } });
  return found.findings;
}

/** The findings of a check about a subject; all of it where none is told. */
export function of(found: readonly Finding[], check: string, subject?: string): Finding[] {
  return found.filter(
    (finding) => finding.check === check && (subject ?? finding.subject) === finding.subject,
  );
}

/** The client library of each placement, and how it is set up. */
export const CLIENTS: Record<Placement, { client: string; behaviors?: Record<string, boolean> }> = {
  pymemcache: { client: 'pymemcache' },
  'python-memcached': { client: 'python-memcached' },
  pylibmc: { client: 'pylibmc' },
  'pylibmc-ketama': { client: 'pylibmc', behaviors: { ketama: true } },
  'pylibmc-ketama-weighted': { client: 'pylibmc', behaviors: { ketama_weighted: true } },
};

/** Puts so many sessions on nodes with a real client library; gives their ids. */
export async function putSessions(
  placement: Placement,
  nodes: readonly string[],
  count: number,
  prefix = ':1:',
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomBytes(16).toString('hex'));
  const keys = ids.map((id) => `${prefix}django.contrib.sessions.cache${id}`);
  const python = spawn('/usr/bin/python3', [PLACE_KEYS], { stdio: ['pipe', 'pipe', 'pipe'] });
  python.stdin.end(JSON.stringify({ ...CLIENTS[placement], nodes, keys }));
  const [complaint] = await Promise.all([
    text(python.stderr),
    text(python.stdout),
    once(python, 'close'),
  ]);
  if (python.exitCode !== 0) throw new Error(complaint);
  return ids;
}
