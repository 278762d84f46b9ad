import { generate } from 'selfsigned';
import type { FileReader, FileText } from '../../../src/config-files.ts';

/** Files that settings may name in the place of those of a disk. */
export interface Files {
  readonly contents: Readonly<Record<string, FileText>>;
  readonly read: FileReader;
  /** The settings that name them. */
  readonly settings: { readonly TLS_CERT: string; readonly TLS_KEY: string };
}

/** A certificate and its key. */
export async function makeFiles(): Promise<Files> {
  const pair = await generate([{ name: 'commonName', value: 'vip' }], {
    algorithm: 'sha256',
    keyType: 'ec',
  });
  const contents: Record<string, FileText> = {
    '/vip.pem': { text: pair.cert },
    '/vip.key': { text: pair.private },
  };
  const read: FileReader = (path) => {
    const file = Object.hasOwn(contents, path) ? contents[path] : undefined;
    if (file === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return file;
  };
  return { contents, read, settings: { TLS_CERT: '/vip.pem', TLS_KEY: '/vip.key' } };
}
