import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url).pathname;

export interface BuildOptions {
  readonly only?: 'deb' | 'rpm';
  readonly version?: string;
  /** The top folder of the sources. */
  readonly sources?: string;
  readonly umask?: string;
  readonly epoch?: number;
}

/** Builds packages as `npm run package` does, in little time; the files. */
export async function buildPackages(output: string, options: BuildOptions = {}): Promise<string[]> {
  const { only, version, sources = ROOT, umask = '022', epoch = 1_700_000_000 } = options;
  const words = [process.execPath, join(sources, 'packaging/build/package.ts'), '--quick'];
  words.push('--output', output);
  if (only) words.push('--only', only);
  if (version) words.push('--version', version);
  const { stdout } = await run('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...words], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  });
  return stdout.trim().split('\n');
}
