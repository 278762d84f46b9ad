import { type FileReader, type FileText, KeptFiles, readFromDisk } from './config-files.ts';
import { assertKeysAreKept, readAdminKeyPair, readKeyPairs } from './config-key-pairs.ts';
import type { ListenAddress } from './config-values.ts';
import { messageOf } from './errors.ts';
import type { KeyPair } from './listener/certificate.ts';
import { parseNode } from './memcached/node-address.ts';
import { isLoopback } from './policy/networks.ts';
import { SETTINGS, type Setting } from './settings.ts';
import { closest } from './spelling.ts';
import { includesStatus } from './upstream/status-set.ts';

type Settings = typeof SETTINGS;
type Name = keyof Settings;
const NAMES = Object.keys(SETTINGS) as Name[];
type Values = { readonly [N in Name]: Settings[N] extends Setting<infer T> ? T : never };

/** A sound configuration: every setting under its own name, and the key pairs put together. */
export type Config = Values & {
  readonly keyPairs: readonly KeyPair[];
  /** What the admin listener shows; undefined where it is plain HTTP. */
  readonly adminKeyPair: KeyPair | undefined;
  readonly source: ConfigSource;
};

/** What a configuration was read from, for another process that is to have the same; it holds keys. */
export interface ConfigSource {
  readonly settings: Environment;
  readonly files: Readonly<Record<string, FileText>>;
}

/** What is wrong with one setting. */
export interface ConfigProblem {
  readonly name: string;
  /** Its text, unless that is secret, or undefined where it is not set. */
  readonly value: string | undefined;
  /** Completes the sentence "NAME=value …": the cause and the remedy. */
  readonly problem: string;
}

/** A configuration cannot be used; lists everything that is wrong with it. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const told = problems.map(({ name, value, problem }) => ({
      name,
      value: value === undefined ? undefined : shown(name, value),
      problem,
    }));
    const lines = told.map(({ name, value, problem }) =>
      value === undefined ? `  ${name} ${problem}` : `  ${name}=${value} ${problem}`,
    );
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The configuration has ${count}:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = told;
  }
}

/** A key that was put where its path belongs, whole or in part, must not end up in a log. */
function shown(name: string, value: string): string {
  if ((SETTINGS as Readonly<Record<string, Setting<unknown>>>)[name]?.secret) return '(secret)';
  return /-----BEGIN|\n/.test(value) ? '(PEM text)' : value;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a configuration from an environment: unset settings take their defaults.
 * @param known problems that were found before, to be told with all others
 * @throws ConfigError with all problems at once.
 */
export function parseConfig(env: Environment, known: readonly ConfigProblem[] = []): Config {
  return readConfig(env, new KeptFiles({}, readFromDisk), known);
}

/** The configuration that another process has read from this. */
export function configFrom({ settings, files }: ConfigSource): Config {
  return readConfig(settings, new KeptFiles(files));
}

function readConfig(
  env: Environment,
  files: KeptFiles,
  known: readonly ConfigProblem[] = [],
): Config {
  const problems = [...known];
  const config = readValues(env, NAMES, problems, files.read);
  const report = (name: Name, problem: string) => {
    problems.push({ name, value: env[name]?.trim() || undefined, problem });
  };
  if (config.CONSOLE_LISTEN && 'CONSOLE_BACKENDS' in config && !config.CONSOLE_BACKENDS) {
    report(
      'CONSOLE_BACKENDS',
      `has to be set: ${SETTINGS.CONSOLE_BACKENDS.meaning} Without consoles, set CONSOLE_LISTEN= to nothing.`,
    );
  }
  assertDistinctListeners(config, report);
  assertCacheIsNoNode(config, report);
  assertAdminIsGuarded(config, report);
  assertRoomForWorkers(config, report);
  assertChecks(config, report);
  const keyPairs = readKeyPairs(config, report);
  const ownAdminPair = readAdminKeyPair(config, report);
  assertKeysAreKept(config, report);
  if (problems.length > 0 || !keyPairs) throw new ConfigError(problems);
  const settings = Object.fromEntries(
    NAMES.filter((name) => env[name] !== undefined).map((name) => [name, env[name]]),
  );
  const source = { settings, files: files.contents };
  const adminKeyPair = config.ADMIN_TLS ? (ownAdminPair ?? keyPairs[0]) : undefined;
  return Object.freeze({ ...(config as Values), keyPairs, adminKeyPair, source });
}

/**
 * Reads some settings alone, for a program that needs no more of them.
 * @throws ConfigError with all problems at once.
 */
export function parseSettings<N extends Name>(
  env: Environment,
  names: readonly N[],
): Pick<Values, N> {
  const problems: ConfigProblem[] = [];
  const values = readValues(env, names, problems, readFromDisk);
  if (problems.length > 0) throw new ConfigError(problems);
  return values as Pick<Values, N>;
}

function readValues(
  env: Environment,
  names: readonly Name[],
  problems: ConfigProblem[],
  files: FileReader,
): Partial<Values> {
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const given = env[name]?.trim();
    try {
      values[name] = readSetting(SETTINGS[name], given, files);
    } catch (error) {
      problems.push({ name, value: given || undefined, problem: messageOf(error) });
    }
  }
  return values;
}

/** The names in a file of settings that are no setting: almost always a slip of the pen. */
export function unknownNames(file: string, names: readonly string[]): ConfigProblem[] {
  return names
    .filter((name) => !(name in SETTINGS))
    .map((name) => {
      const guess = closest(name, NAMES);
      const hint = guess ? `did you mean ${guess}?` : 'see .env.example for all settings';
      return { name, value: undefined, problem: `in ${file} is not a setting; ${hint}` };
    });
}

function readSetting(
  setting: Setting<unknown>,
  given: string | undefined,
  files: FileReader,
): unknown {
  if (given) return setting.read(given, files);
  if (given === '' && setting.optional) return undefined;
  if (setting.initial === undefined) throw new Error(`has to be set: ${setting.meaning}`);
  return setting.initial === '' && setting.optional
    ? undefined
    : setting.read(setting.initial, files);
}

/** A cache that took itself for one of its nodes would ask itself for ever. */
function assertCacheIsNoNode(
  { CACHE_LISTEN, MEMCACHED_SERVERS = [] }: Partial<Values>,
  report: (name: Name, problem: string) => void,
): void {
  if (!CACHE_LISTEN || CACHE_LISTEN.port === 0) return;
  const local = new Set([CACHE_LISTEN.host, '127.0.0.1', '::1', 'localhost']);
  for (const node of MEMCACHED_SERVERS.map(parseNode)) {
    if (node.port !== CACHE_LISTEN.port || !local.has(node.host)) continue;
    report(
      'MEMCACHED_SERVERS',
      `names ${node.text}, which is CACHE_LISTEN; name the memcached nodes themselves`,
    );
  }
}

/** Who reaches the admin listener can drain backends and end consoles. */
function assertAdminIsGuarded(
  { ADMIN_LISTEN: address, ADMIN_PASSWORD, ADMIN_TOKEN }: Partial<Values>,
  report: (name: Name, problem: string) => void,
): void {
  if (!address || ADMIN_PASSWORD !== undefined || ADMIN_TOKEN !== undefined) return;
  if (isLoopback(address.host)) return;
  report(
    'ADMIN_LISTEN',
    'can be reached from other hosts without a password; write 127.0.0.1:9090, or set ADMIN_PASSWORD (people) or ADMIN_TOKEN (programs)',
  );
}

/** The least `maxconn` of a configuration: as many workers can have a part of it. */
export function leastMaxconn({
  PORTAL_BACKENDS = [],
  CONSOLE_BACKENDS = [],
}: Partial<Pick<Values, 'PORTAL_BACKENDS' | 'CONSOLE_BACKENDS'>>): number {
  const limits = [...PORTAL_BACKENDS, ...CONSOLE_BACKENDS].map(({ maxconn }) => maxconn);
  return Math.min(...limits.filter((maxconn) => maxconn > 0));
}

/** Workers share what a backend takes, and each needs a part. */
function assertRoomForWorkers(
  config: Partial<Values>,
  report: (name: Name, problem: string) => void,
): void {
  const { WORKERS: workers } = config;
  const least = leastMaxconn(config);
  if (typeof workers !== 'number' || workers <= least) return;
  report(
    'WORKERS',
    `is more than the maxconn=${least} of a backend, of which each worker needs a part; write ${least} or less, or auto`,
  );
}

/** What is expected of a health check has to fit its kind. */
function assertChecks(
  config: Partial<Values>,
  report: (name: Name, problem: string) => void,
): void {
  for (const service of ['PORTAL', 'CONSOLE'] as const) {
    const kind = config[`${service}_HEALTH_CHECK`];
    const expect = config[`${service}_HEALTH_EXPECT`];
    if (!kind || !expect) continue;
    const name = `${service}_HEALTH_EXPECT` as const;
    if (kind === 'http' && expect.close) {
      report(name, 'has close, which is for handshakes; leave it out');
    }
    if (kind === 'websocket' && !expect.close && !includesStatus(expect.statuses, 101)) {
      report(
        name,
        `has neither 101 nor close, so no handshake is good; add one, or set ${service}_HEALTH_CHECK=http`,
      );
    }
  }
}

const LISTENERS = [
  'PORTAL_LISTEN',
  'PORTAL_PLAIN_LISTEN',
  'PORTAL_REDIRECT_LISTEN',
  'CONSOLE_LISTEN',
  'CACHE_LISTEN',
  'ADMIN_LISTEN',
] as const satisfies readonly Name[];

function assertDistinctListeners(
  config: Partial<Values>,
  report: (name: Name, problem: string) => void,
): void {
  const taken = new Map<number, { name: Name; address: ListenAddress }[]>();
  for (const name of LISTENERS) {
    const address = config[name];
    if (!address || address.port === 0) continue;
    const others = taken.get(address.port) ?? [];
    const other = others.find(
      ({ address: { host } }) => host === address.host || host === '::' || address.host === '::',
    );
    if (other) report(name, `takes the same port as ${other.name}; give each a port of its own`);
    taken.set(address.port, [...others, { name, address }]);
  }
}
