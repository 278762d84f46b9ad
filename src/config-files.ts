import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/** What was read of a file. */
export interface FileText {
  readonly text: string;
  /** Why others than the service may read it where it holds a secret, and the remedy. */
  readonly exposure?: string | undefined;
}

/** Reads a file that a setting names. Throws what `node:fs` does. */
export type FileReader = (path: string) => FileText;

export const readFromDisk: FileReader = (path) => {
  const file = openSync(path, 'r');
  try {
    return { text: readFileSync(file, 'utf8'), exposure: exposureOf(file, path) };
  } finally {
    closeSync(file);
  }
};

/**
 * Files as they were when they were first read, so that all processes of a gateway have the same,
 * also those that are started after a file has changed.
 */
export class KeptFiles {
  readonly #files: Map<string, FileText>;
  readonly #fallback: FileReader | undefined;

  /** @param fallback Reads what is not kept yet; without it, there is nothing else. */
  constructor(files: Readonly<Record<string, FileText>>, fallback?: FileReader) {
    this.#files = new Map(Object.entries(files));
    this.#fallback = fallback;
  }

  get contents(): Readonly<Record<string, FileText>> {
    return Object.fromEntries(this.#files);
  }

  readonly read: FileReader = (path) => {
    const kept = this.#files.get(path);
    if (kept) return kept;
    if (!this.#fallback) throw Object.assign(new Error('it was not kept'), { code: 'ENOENT' });
    const file = this.#fallback(path);
    this.#files.set(path, file);
    return file;
  };
}

/**
 * The rule is PostgreSQL's (ssl_key_file): nobody else, but for the group of a file that root owns,
 * which is how Debian shares /etc/ssl/private with the group ssl-cert. An ACL shows as the group's part
 * of the mode. Who owns the file matters to the remedy alone: another user's can only be read here where
 * it is open to more than that user, but by root, who examines what the service is to read.
 */
function exposureOf(file: number, path: string): string | undefined {
  const { mode, uid } = fstatSync(file);
  const forbidden = uid === 0 ? 0o037 : 0o077;
  if ((mode & forbidden) === 0) return undefined;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  const owner = uid === 0 ? 'root' : `user ${uid}`;
  return `is open to others (mode ${shown}, of ${owner}); ${remedyFor(path, uid)}`;
}

function remedyFor(path: string, owner: number): string {
  const own = process.geteuid?.() ?? 0;
  if (owner === 0) {
    const group = `chmod 640 ${path} with a group that has only the user that runs Dashgate`;
    return own === 0 ? `run chmod 600 ${path}, or ${group}` : `run ${group}`;
  }
  const taken = own === 0 || own === owner ? '' : `chown ${own} ${path} and `;
  return `run ${taken}chmod 600 ${path}`;
}
