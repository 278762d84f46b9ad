/** What is packed. */
export interface Release {
  readonly version: string;
  /** When it was made, in seconds of Unix time; no file is said to be younger. */
  readonly epoch: number;
}

/** What a package is built from. */
export interface PackageParts {
  /** The top folder of the sources. */
  readonly root: string;
  /** Everything that is installed, as it is to lie below /. */
  readonly tree: string;
  /** A folder for what is made on the way. */
  readonly staging: string;
  readonly output: string;
  readonly release: Release;
  /** Little time rather than few bytes. */
  readonly quick: boolean;
}

/** Both kinds of packages sort what follows `~` before the release itself. */
export function packageVersion({ version }: Release): string {
  return version.replace('-', '~');
}
