import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from './program.ts';
import { type PackageParts, packageVersion } from './release.ts';

const ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
  s390x: 's390x',
};

/** Folders that are Dashgate's own; those above them belong to the system. */
const OWN =
  /^\/(etc|usr\/lib|usr\/share|usr\/share\/doc|usr\/lib\/ocf\/resource\.d)\/dashgate(\/|$)/;

/** Builds the package for Fedora, RHEL, SUSE and what comes from them; the file. */
export function buildRpm({ root, tree, staging, output, release, quick }: PackageParts): string {
  const arch = ARCHITECTURES[process.arch];
  if (!arch) throw new Error(`no RPM package is made for ${process.arch}`);
  const top = join(staging, 'rpm');
  mkdirSync(top);
  const list = join(top, 'files.list');
  writeFileSync(
    list,
    entriesOf(tree, '')
      .map((line) => `${line}\n`)
      .join(''),
  );
  const defines = {
    _topdir: top,
    _dbpath: join(top, 'db'),
    tree,
    files_list: list,
    dashgate_version: packageVersion(release),
    _buildhost: 'localhost',
    // Nothing is to depend on when, where or by which machine it is built.
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    source_date_epoch_from_changelog: '0',
    _binary_payload: quick ? 'w1.zstdio' : 'w12.zstdio',
    // The tree is packed as it is.
    __os_install_post: '%{nil}',
    debug_package: '%{nil}',
    _build_id_links: 'none',
    _rpmdir: top,
    _rpmfilename: '%{name}-%{version}-%{release}.%{arch}.rpm',
  };
  const args = Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  outputOf(
    'rpmbuild',
    ['-bb', '--target', `${arch}-linux`, ...args, join(root, 'packaging/rpm/dashgate.spec')],
    staging,
    { SOURCE_DATE_EPOCH: String(release.epoch), HOME: top, LC_ALL: 'C' },
  );
  const name = `dashgate-${packageVersion(release)}-1.${arch}.rpm`;
  copyFileSync(join(top, name), join(output, name));
  return join(output, name);
}

/** A line of %files for each file, and for each folder that is Dashgate's own. */
function entriesOf(tree: string, path: string): string[] {
  const full = join(tree, path);
  const stats = statSync(full);
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  if (!stats.isDirectory())
    return [`${kindOf(path)}%attr(${mode},root,${groupOf(path)}) "${path}"`];
  const inner = readdirSync(full)
    .sort()
    .flatMap((name) => entriesOf(tree, `${path}/${name}`));
  return OWN.test(path) ? [`%dir %attr(${mode},root,root) "${path}"`, ...inner] : inner;
}

function kindOf(path: string): string {
  if (path.startsWith('/etc/')) return '%config(noreplace) ';
  return path.endsWith('/LICENSE') && path.startsWith('/usr/share/doc/') ? '%license ' : '';
}

function groupOf(path: string): string {
  return path.startsWith('/etc/dashgate/') ? 'dashgate' : 'root';
}
