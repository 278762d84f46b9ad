import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/gateway.ts';

const run = promisify(execFile);

/** Mounts are of the command alone: they end with it, however it ends. */
const ENTER = 'mount -t proc proc "$1/proc" && exec chroot "$@"';

/** A Debian with nothing but what every Debian has. */
export interface DebianRoot {
  readonly folder: string;
  /** Runs a command in it; what it printed, both ways. Rejects where it fails. */
  run(...command: readonly string[]): Promise<string>;
  /** Starts one that goes on. */
  start(...command: readonly string[]): ChildProcess;
  /** Copies a file into its /root; its path there. */
  bring(file: string): string;
  /** All that is in it, but what dpkg, useradd and their like note of their own work. */
  files(): string[];
}

/** Makes one with debootstrap, of the same release as this host. */
export async function makeDebianRoot(t: TestContext): Promise<DebianRoot> {
  if (process.getuid!() !== 0)
    throw new Error('debootstrap and chroot want root: run it with sudo');
  const folder = join(temporaryFolder(t), 'root');
  const release = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))![1]!;
  const mirror = mirrorOf(release);
  // It mounts things, too.
  const alone = ['--mount', '--propagation=private'];
  const debootstrap = [...alone, 'debootstrap', '--variant=minbase', release, folder, mirror];
  await run('unshare', debootstrap, { maxBuffer: 1 << 26 }).catch((error) => {
    throw new Error(`debootstrap failed: ${String(error.stdout).slice(-2000)}`);
  });
  const unshare = (command: readonly string[]) => [
    ...alone,
    'sh',
    '-c',
    ENTER,
    'sh',
    folder,
    ...command,
  ];
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  // What looks for systemd finds it.
  mkdirSync(join(folder, 'run/systemd/system'), { recursive: true });
  copyFileSync(new URL('systemctl.sh', import.meta.url), join(folder, 'usr/local/bin/systemctl'));
  return {
    folder,
    run: async (...command) => {
      const { stdout, stderr } = await run('unshare', unshare(command), { env, cwd: '/' });
      return stdout + stderr;
    },
    start: (...command) => {
      const child = spawn('unshare', unshare(command), {
        env,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.after(() => child.kill('SIGKILL'));
      return child;
    },
    bring: (file) => {
      copyFileSync(file, join(folder, 'root', basename(file)));
      return `/root/${basename(file)}`;
    },
    files: () =>
      execFileSync('find', ['.', '-xdev'], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 })
        .split('\n')
        .filter((path) => !/^\.\/(proc|run|root|tmp|var\/(lib\/dpkg|log|cache))\//.test(path))
        .filter((path) => !/^\.\/etc\/g?(passwd|group|shadow)-$/.test(path))
        .sort(),
  };
}

/** Where this host has its own packages from. */
function mirrorOf(release: string): string {
  const format = ['indextargets', '--format', '$(CODENAME) $(COMPONENT) $(REPO_URI)'];
  const told = execFileSync('apt-get', format, { encoding: 'utf8' });
  const mirror = new RegExp(`^${release} main (\\S+)$`, 'm').exec(told)?.[1];
  if (mirror !== undefined) return mirror;
  throw new Error(`the sources of apt name no mirror of ${release}; see /etc/apt/sources.list`);
}
