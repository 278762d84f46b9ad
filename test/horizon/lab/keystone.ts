import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../support/free-port.ts';
import { startGunicorn } from './gunicorn.ts';
import type { Programs } from './program.ts';
import { untilAnswering } from './readiness.ts';

/** The one user of the lab's Keystone. */
export const ADMIN = { username: 'admin', password: 'secret', domain: 'Default' } as const;

/** Bootstraps a real Keystone in a database of its own and starts it; resolves with its URL. */
export async function startKeystone(programs: Programs): Promise<string> {
  const home = join(programs.dir, 'keystone');
  const config = join(home, 'keystone.conf');
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}/v3`;
  await mkdir(home);
  await writeFile(config, configuration(home));

  const manage = (name: string, ...args: string[]) =>
    programs.run({
      name: `keystone-${name}`,
      command: '/usr/bin/keystone-manage',
      args: ['--config-file', config, name, ...args],
    });
  await manage('db_sync');
  const { uid, gid } = userInfo();
  const owner = ['--keystone-user', `${uid}`, '--keystone-group', `${gid}`];
  await manage('fernet_setup', ...owner);
  await manage('credential_setup', ...owner);
  await manage(
    'bootstrap',
    ...['--bootstrap-username', ADMIN.username, '--bootstrap-password', ADMIN.password],
    ...['--bootstrap-project-name', 'admin', '--bootstrap-role-name', 'admin'],
    ...['--bootstrap-service-name', 'keystone', '--bootstrap-region-id', 'RegionOne'],
    ...['public', 'internal', 'admin'].flatMap((kind) => [`--bootstrap-${kind}-url`, url]),
  );

  const keystone = startGunicorn(programs, {
    name: 'keystone',
    port,
    module: 'keystone_wsgi:application',
    folder: join(import.meta.dirname, 'keystone'),
    env: { OS_KEYSTONE_CONFIG_DIR: home, OS_KEYSTONE_CONFIG_FILES: 'keystone.conf' },
  });
  await untilAnswering(keystone, url);
  return url;
}

const configuration = (home: string) => `
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///${home}/keystone.db
[token]
provider = fernet
expiration = 3600
[fernet_tokens]
key_repository = ${home}/fernet-keys
[credential]
key_repository = ${home}/credential-keys
[cache]
enabled = false
`;
