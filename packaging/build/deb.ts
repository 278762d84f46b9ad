import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { outputOf } from './program.ts';
import { type PackageParts, packageVersion, type Release } from './release.ts';
import { CONFIGURATION_FILES, compressed, settle } from './tree.ts';

const ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ppc64: 'ppc64el',
  s390x: 's390x',
};
const MAINTAINER = 'Dashgate maintainers <maintainers@dashgate.invalid>';
const DOC = 'usr/share/doc/dashgate';

/** Builds the package for Debian and what comes from it; the file. */
export function buildDeb({ root, tree, staging, output, release, quick }: PackageParts): string {
  const architecture = ARCHITECTURES[process.arch];
  if (!architecture) throw new Error(`no Debian package is made for ${process.arch}`);
  const folder = join(staging, 'deb');
  cpSync(tree, folder, { recursive: true });
  const write = (path: string, content: string | Buffer, mode = 0o644) => {
    writeFileSync(join(folder, path), content);
    chmodSync(join(folder, path), mode);
  };
  // Debian has the text of this licence already.
  write(`${DOC}/copyright`, copyright());
  rmSync(join(folder, DOC, 'LICENSE'));
  write(`${DOC}/changelog.gz`, compressed(changelog(release)));
  mkdirSync(join(folder, 'usr/share/lintian/overrides'), { recursive: true });
  write(
    'usr/share/lintian/overrides/dashgate',
    readFileSync(join(root, 'packaging/deb/lintian-overrides')),
  );
  settle(folder, release.epoch);

  const files = filesBelow(folder, '');
  mkdirSync(join(folder, 'DEBIAN'));
  chmodSync(join(folder, 'DEBIAN'), 0o755);
  const kibibytes = files.reduce(
    (sum, path) => sum + Math.ceil(statSync(join(folder, path)).size / 1024),
    0,
  );
  write('DEBIAN/control', control(release, architecture, kibibytes));
  write('DEBIAN/conffiles', CONFIGURATION_FILES.map((path) => `/${path}\n`).join(''));
  write(
    'DEBIAN/md5sums',
    files
      .filter((path) => !path.startsWith('etc/'))
      .map((path) => sumOf(folder, path))
      .join(''),
  );
  for (const script of ['postinst', 'prerm', 'postrm']) {
    write(`DEBIAN/${script}`, readFileSync(join(root, 'packaging/deb', script)), 0o755);
  }
  const file = join(output, `dashgate_${packageVersion(release)}_${architecture}.deb`);
  // It clamps times by itself. With several threads the bytes depend on how many there are.
  const compression = quick ? ['-Zgzip', '-z1'] : ['-Zxz', '--threads-max=1'];
  outputOf('dpkg-deb', ['--root-owner-group', ...compression, '--build', folder, file], staging, {
    SOURCE_DATE_EPOCH: String(release.epoch),
  });
  return file;
}

function control(release: Release, architecture: string, kibibytes: number): string {
  return `Package: dashgate
Version: ${packageVersion(release)}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 5.2), passwd, init-system-helpers (>= 1.52)
Recommends: systemd
Suggests: memcached, pacemaker, curl, procps
Section: net
Priority: optional
Description: front door of an OpenStack Dashboard
 Takes HTTPS and WSS from the public side and balances Horizon and the noVNC
 proxy without sticky cookies: the dashboards share their sessions through
 memcached, so that any dashboard serves any request, and any gateway takes
 over from any other.
 .
 It comes with the Node runtime that it runs on.
`;
}

function copyright(): string {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: dashgate

Files: *
Copyright: the Dashgate authors
License: Apache-2.0
 On Debian systems, the full text of the Apache License, Version 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
Comment:
 The Node runtime (usr/lib/dashgate/bin) and the libraries of
 usr/lib/dashgate/node_modules are works of others; their copyrights and
 licences are in third-party-licences.txt.gz beside this file.
`;
}

function changelog(release: Release): string {
  const date = new Date(release.epoch * 1000).toUTCString().replace('GMT', '+0000');
  return `dashgate (${packageVersion(release)}) unstable; urgency=medium

  * What has changed is told in CHANGELOG.md.gz.

 -- ${MAINTAINER}  ${date}
`;
}

function filesBelow(folder: string, path: string): string[] {
  if (!statSync(join(folder, path)).isDirectory()) return [path];
  const names = readdirSync(join(folder, path)).sort();
  return names.flatMap((name) => filesBelow(folder, join(path, name)));
}

function sumOf(folder: string, path: string): string {
  const sum = createHash('md5')
    .update(readFileSync(join(folder, path)))
    .digest('hex');
  return `${sum}  ${path}\n`;
}
