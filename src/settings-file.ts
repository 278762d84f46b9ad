import { parseEnv } from 'node:util';
import { ConfigError, type ConfigProblem, type Environment, unknownNames } from './config.ts';
import { readFromDisk } from './config-files.ts';
import { messageOf } from './errors.ts';
import { SETTINGS, type Setting } from './settings.ts';

/** A file of settings as it was read. */
export interface SettingsFile {
  readonly path: string;
  readonly settings: Environment;
  /** The names in it that are no setting. */
  readonly unknown: readonly ConfigProblem[];
  /** Why others may read the secrets in it, and the remedy; undefined where they may not, or there is none. */
  readonly exposure: string | undefined;
}

/**
 * Reads a file of settings: `.env`, or what `--config` names.
 * @throws ConfigError where it cannot be read.
 */
export function readSettingsFile(path: string): SettingsFile {
  let settings: Environment;
  let exposure: string | undefined;
  try {
    const file = readFromDisk(path);
    settings = parseEnv(file.text);
    exposure = file.exposure;
  } catch (error) {
    const problem = `cannot be read (${messageOf(error)}); name another file or leave it out`;
    throw new ConfigError([{ name: '--config', value: path, problem }]);
  }
  return {
    path,
    settings,
    unknown: unknownNames(path, Object.keys(settings)),
    exposure: holdsSecrets(settings) ? exposure : undefined,
  };
}

function holdsSecrets(settings: Environment): boolean {
  const known: Readonly<Record<string, Setting<unknown>>> = SETTINGS;
  return Object.entries(settings).some(([name, text]) => text && known[name]?.secret);
}
