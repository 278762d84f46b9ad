import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseSettings } from '../../src/config.ts';
import { SETTINGS } from '../../src/settings.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
}

let services: Record<string, Service>;
let volumes: string[];

before(() => {
  const compose = parse(readFileSync(`${ROOT}docker/compose.yaml`, 'utf8'), { merge: true });
  services = compose.services;
  volumes = Object.keys(compose.volumes);
});

describe('the compose file', () => {
  test('is the whole cluster', () => {
    const kinds = Object.keys(services).map((name) => name.replace(/-\d$/, ''));
    const count = (kind: string) => kinds.filter((other) => other === kind).length;
    assert.deepEqual(Object.fromEntries(kinds.map((kind) => [kind, count(kind)])), {
      certificate: 1,
      gateway: 2,
      dashboard: 3,
      console: 2,
      memcached: 3,
    });
  });

  test('configures the gateways soundly, with settings that exist', () => {
    for (const name of ['gateway-1', 'gateway-2']) {
      const env = services[name]!.environment!;
      for (const setting of Object.keys(env)) assert.ok(setting in SETTINGS, setting);
      // The certificate is made when the cluster starts, so its two settings cannot be read here.
      const names = Object.keys(SETTINGS).filter((setting) => !setting.startsWith('TLS_'));
      const config = parseSettings(env, names as 'PORTAL_BACKENDS'[]);
      const backends = config.PORTAL_BACKENDS.map(({ url }) => url.hostname);
      assert.deepEqual(backends, ['dashboard-1', 'dashboard-2', 'dashboard-3']);
    }
  });

  test('refers only to services and volumes that it has', () => {
    for (const [name, { depends_on: needs = [], volumes: mounts = [] }] of Object.entries(
      services,
    )) {
      for (const needed of Array.isArray(needs) ? needs : Object.keys(needs)) {
        assert.ok(needed in services, `${name} needs ${needed}`);
      }
      for (const mount of mounts) assert.ok(volumes.includes(mount.split(':')[0]!), mount);
    }
  });

  test('gives every service a health check, a read-only root and loopback ports', () => {
    const image = readFileSync(`${ROOT}docker/Dockerfile`, 'utf8');
    for (const [name, service] of Object.entries(services)) {
      assert.equal(service.read_only, true, name);
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name);
      if (name === 'certificate') continue;
      const test = service.healthcheck?.test ?? JSON.parse(/^ {2}CMD (\[.*\])$/m.exec(image)![1]!);
      assert.ok(test.length > 1, name);
      for (const word of test) {
        if (String(word).startsWith('docker/')) assert.ok(existsSync(ROOT + word), word);
      }
    }
  });
});

test('the Dockerfile copies what exists, and does not run as root', () => {
  const image = readFileSync(`${ROOT}docker/Dockerfile`, 'utf8');
  const copies = [...image.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, words]) =>
    words!.split(' ').slice(0, -1),
  );
  assert.ok(copies.length > 3);
  for (const path of copies) assert.ok(existsSync(ROOT + path), path);
  assert.match(image, /^USER dashgate$/m);
});
