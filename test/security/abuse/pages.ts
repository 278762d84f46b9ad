import { gzipSync } from 'node:zlib';
import type { Page } from '../../bench/origin/origins.ts';

/** More than what the kernel and a proxy keep of an answer that is not read. */
export const LARGE: Page = { path: '/large', content: Buffer.alloc(4 * 1024 * 1024, 'x') };

/** Some kilobytes that are 16 MiB of zeros for whoever unpacks them. */
export const BOMB: Page = {
  path: '/bomb',
  content: gzipSync(Buffer.alloc(16 * 1024 * 1024), { level: 9 }),
  encoding: 'gzip',
};
