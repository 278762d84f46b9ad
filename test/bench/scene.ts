import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificateFiles, demoCertificate } from '../../src/demo/certificate.ts';
import { Children, pinSelf } from '../support/children.ts';
import { type Cores, shareCores } from './cores.ts';

/** What every run of the benchmark has. */
export interface Scene {
  readonly children: Children;
  readonly folder: string;
  readonly cores: Cores;
  readonly certificate: CertificateFiles;
}

/** Sets up what all measurements need, and takes everything down again, whatever happens. */
export async function onScene<T>(work: (scene: Scene) => Promise<T>): Promise<T> {
  const cores = shareCores();
  pinSelf(cores.load);
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-bench-'));
  // nginx, started by root, reads as another user.
  chmodSync(folder, 0o755);
  const children = new Children(folder);
  const leave = () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave);
  try {
    const certificate = await demoCertificate(join(folder, 'certificate'));
    return await work({ children, folder, cores, certificate });
  } finally {
    await children.stopAll();
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    leave();
  }
}
