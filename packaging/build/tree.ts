import {
  chmodSync,
  copyFileSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { envExample } from '../../src/settings.ts';
import { thirdPartyLicences } from './licences.ts';
import { manualPage } from './manual-page.ts';
import { isNeeded, productionModules } from './production-modules.ts';
import { outputOf } from './program.ts';
import type { Release } from './release.ts';
import { billOfMaterials } from './sbom.ts';

const LIB = 'usr/lib/dashgate';
const DOC = 'usr/share/doc/dashgate';
const SETTINGS_FILE = 'etc/dashgate/dashgate.env';
const LOGROTATE_FILE = 'etc/logrotate.d/dashgate';
/** Files that operators may change, and that no upgrade writes over. */
export const CONFIGURATION_FILES = [SETTINGS_FILE, LOGROTATE_FILE];

/** Makes everything that is installed below `tree`, with the same modes and times whoever does it. */
export function makeTree(root: string, tree: string, release: Release): void {
  const modules = productionModules(root);
  const write = (path: string, content: string | Buffer) => {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  };
  const copy = (from: string, to: string) => write(to, readFileSync(join(root, from)));

  // One runtime, without the symbols that only a debugger would read.
  mkdirSync(join(tree, LIB, 'bin'), { recursive: true });
  const node = join(tree, LIB, 'bin/node');
  copyFileSync(realpathSync(join(root, 'node_modules/.bin/node')), node);
  outputOf('strip', ['--strip-unneeded', node], tree);

  cpSync(join(root, 'src'), join(tree, LIB, 'src'), { recursive: true });
  write(`${LIB}/package.json`, packageJson(root, release));
  for (const { path } of modules) {
    const from = join(root, path);
    const filter = (file: string) => isNeeded(file.slice(from.length));
    cpSync(from, join(tree, LIB, path), { recursive: true, filter });
  }

  copy('packaging/dashgate', 'usr/bin/dashgate');
  copy('packaging/systemd/dashgate.service', 'usr/lib/systemd/system/dashgate.service');
  copy('packaging/logrotate/dashgate', LOGROTATE_FILE);
  copy('packaging/grafana/dashgate.json', 'usr/share/dashgate/grafana/dashgate.json');
  copy('packaging/prometheus/alerts.yml', 'usr/share/dashgate/prometheus/alerts.yml');
  copy('packaging/pacemaker/dashgate.crm', 'usr/share/dashgate/pacemaker/dashgate.crm');
  copy('packaging/pacemaker/dashgate.pcs', 'usr/share/dashgate/pacemaker/dashgate.pcs');
  copy('packaging/ocf/dashgate', 'usr/lib/ocf/resource.d/dashgate/dashgate');
  write(SETTINGS_FILE, settingsFile());
  write('usr/share/man/man8/dashgate.8.gz', compressed(manualPage(release)));
  copy('LICENSE', `${DOC}/LICENSE`);
  write(`${DOC}/README.md.gz`, compressed(readFileSync(join(root, 'README.md'))));
  write(`${DOC}/CHANGELOG.md.gz`, compressed(readFileSync(join(root, 'CHANGELOG.md'))));
  write(`${DOC}/third-party-licences.txt.gz`, compressed(thirdPartyLicences(root, modules)));
  write(`${DOC}/sbom.cdx.json`, billOfMaterials(root, release));
  settle(tree, release.epoch);
}

/** gzip notes no time and no name here. */
export function compressed(content: string | Buffer): Buffer {
  return gzipSync(content, { level: 9 });
}

function packageJson(root: string, { version }: Release): string {
  const whole = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // Without what is for working on it: nothing here runs npm.
  const { scripts: _, devDependencies: __, allowScripts: ___, ...rest } = whole;
  return `${JSON.stringify({ ...rest, version }, null, 2)}\n`;
}

function settingsFile(): string {
  const head = `# Settings of Dashgate, as it is started by systemd. After a change:
#   dashgate check --config /etc/dashgate/dashgate.env && systemctl reload dashgate
# User and group dashgate have to be able to read the files of TLS_CERT and TLS_KEY, and nobody else the
# latter: chgrp dashgate, chmod 640. A line that starts with # shows the default.
`;
  return head + envExample().replace(/^(#.*\n)+/, '');
}

/** Gives everything the mode that it is to have, whatever the umask was, and no time after `epoch`. */
export function settle(tree: string, epoch: number, path = ''): void {
  const full = join(tree, path);
  if (statSync(full).isDirectory()) {
    for (const name of readdirSync(full)) settle(tree, epoch, join(path, name));
    chmodSync(full, 0o755);
  } else {
    chmodSync(full, modeOf(path));
  }
  lutimesSync(full, epoch, epoch);
}

function modeOf(path: string): number {
  if (path === SETTINGS_FILE) return 0o640;
  return /^usr\/(bin|lib\/dashgate\/bin|lib\/ocf\/resource\.d\/dashgate)\//.test(path)
    ? 0o755
    : 0o644;
}
