import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { SourceFile } from './sections.ts';

/** Most bytes of all files together; configurations of a whole cloud have some hundred thousand. */
const MAX_BYTES = 2 * 1024 * 1024;
const STANDARD_INPUT = 0;

/** A file cannot be read. */
export class UnreadableFile extends Error {}

/** A file is no text, or too much of it. */
export class UnsoundFile extends Error {}

/**
 * Reads files and folders as HAProxy's -f does: of a folder, all `*.cfg` in the order of their names.
 * @throws UnreadableFile, UnsoundFile
 */
export function readSources(names: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  let left = MAX_BYTES;
  for (const name of names.flatMap(filesOf)) {
    const bytes = readAtMost(name, left);
    left -= bytes.length;
    if (bytes.includes(0)) {
      throw new UnsoundFile(`${name} is no text; name a configuration file of HAProxy`);
    }
    files.push({ name, text: bytes.toString('utf8') });
  }
  return files;
}

function filesOf(name: string): string[] {
  if (name === '-') return [name];
  return attempt(name, () => {
    if (!statSync(name).isDirectory()) return [name];
    const found = readdirSync(name).filter((file) => /^[^.].*\.cfg$/.test(file));
    if (found.length === 0) throw new Error('it has no file *.cfg');
    return found.sort().map((file) => join(name, file));
  });
}

function readAtMost(name: string, limit: number): Buffer {
  return attempt(name, () => {
    const file = name === '-' ? STANDARD_INPUT : openSync(name, 'r');
    try {
      const buffer = Buffer.alloc(limit + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length <= limit; length += read) {
        read = readSync(file, buffer, length, buffer.length - length, null);
      }
      if (length > limit) {
        throw new UnsoundFile(
          `${name} makes more than ${MAX_BYTES / 1024 / 1024} MiB; name a configuration file of HAProxy`,
        );
      }
      return buffer.subarray(0, length);
    } finally {
      if (file !== STANDARD_INPUT) closeSync(file);
    }
  });
}

function attempt<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UnsoundFile) throw error;
    throw new UnreadableFile(`${name} cannot be read (${messageOf(error)}); name another file`);
  }
}
