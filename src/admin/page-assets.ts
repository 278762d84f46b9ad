import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** A file that the status page, or the login before it, consists of. */
export interface PageAsset {
  readonly type: string;
  readonly bytes: Buffer;
}

export interface PageAssets {
  /** By the name under which the page asks for it. */
  readonly files: ReadonlyMap<string, PageAsset>;
  /** Differs where any of them does: a page of another release loads itself anew. */
  readonly release: string;
}

/** Style sheets of the status page, by what they style; later ones build on those before. */
export const STYLES = [
  'colours.css',
  'page.css',
  'plots.css',
  'tables.css',
  'controls.css',
] as const;
const OWN = [
  ...STYLES,
  'login.css',
  'theme.js',
  'status.js',
  'live.js',
  'plots.js',
  'actions.js',
  'icon.svg',
] as const;
/** Libraries, as their packages have them. */
const LIBRARIES = {
  'uplot.js': 'uplot/dist/uPlot.iife.min.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
  'morphdom.js': 'morphdom/dist/morphdom-umd.min.js',
} as const;
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Reads what the page consists of: once, so that all of it is of one release. */
export function readPageAssets(): PageAssets {
  const require = createRequire(import.meta.url);
  const files = new Map<string, PageAsset>();
  for (const name of OWN) files.set(name, read(name, join(import.meta.dirname, 'page', name)));
  for (const [name, path] of Object.entries(LIBRARIES)) {
    files.set(name, read(name, require.resolve(path)));
  }
  const hash = createHash('sha256');
  for (const { bytes } of files.values()) hash.update(bytes);
  return { files, release: hash.digest('hex').slice(0, 12) };
}

function read(name: string, path: string): PageAsset {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)]!;
  return { type, bytes: readFileSync(path) };
}
