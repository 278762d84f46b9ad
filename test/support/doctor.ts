import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { parseConfig } from '../../src/config.ts';
import { examine } from '../../src/doctor/doctor.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import type { Placement } from '../../src/memcached/placement.ts';
import { gatewaySettings } from './gateway.ts';
import { placeWithRealClient } from './placement-clients.ts';

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

/** The one finding that there is to be. */
export function only(found: readonly Finding[]): Finding {
  assert.equal(found.length, 1, JSON.stringify(found, null, 1));
  return found[0]!;
}

/** Puts so many sessions on nodes with a real client library; gives their ids. */
export async function putSessions(
  placement: Placement,
  nodes: readonly string[],
  count: number,
  prefix = ':1:',
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomBytes(16).toString('hex'));
  const keys = ids.map((id) => `${prefix}django.contrib.sessions.cache${id}`);
  await placeWithRealClient(placement, nodes, keys);
  return ids;
}
