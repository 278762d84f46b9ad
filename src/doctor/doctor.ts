import { type Config, ConfigError, type Environment } from '../config.ts';
import type { SettingsFile } from '../settings-file.ts';
import { accessCheck } from './access.ts';
import { backendsCheck } from './backends.ts';
import { type Check, type Examination, parted, runCheck } from './check.ts';
import type { Finding } from './finding.ts';
import { kernelCheck } from './kernel.ts';
import { listenersCheck } from './listeners.ts';
import { memcachedCheck } from './memcached-nodes.ts';
import { type Addresses, resolveNames } from './name-lookup.ts';
import { hostsOf, namesCheck } from './names.ts';
import { openFilesCheck } from './open-files.ts';
import { ownCertificatesCheck } from './own-certificates.ts';
import { findGateway } from './running-gateway.ts';
import { servedCertificatesCheck } from './served-certificates.ts';
import { cacheDoorCheck } from './session-cache-door.ts';
import { sessionsCheck } from './sessions.ts';
import { tlsResumptionCheck } from './tls-resumption.ts';

/** All that is examined of a sound configuration, in the order in which it is told. */
export const CHECKS: readonly Check[] = [
  ownCertificatesCheck,
  servedCertificatesCheck,
  tlsResumptionCheck,
  accessCheck,
  listenersCheck,
  openFilesCheck,
  kernelCheck,
  backendsCheck,
  memcachedCheck,
  sessionsCheck,
  cacheDoorCheck,
];

/** How long names may take to be resolved, in ms. */
const NAMES_MS = 4_500;

export interface DoctorOptions {
  /** Of the processes that it starts. */
  readonly env: Environment;
  /** What the configuration was read from, once it was; undefined where it was no file. */
  readonly settingsFile?: () => SettingsFile | undefined;
  readonly checks?: readonly Check[];
}

/** The findings of an examination, and whether the configuration could be read at all. */
export interface Examined {
  readonly findings: readonly Finding[];
  readonly configured: boolean;
}

/**
 * Examines the deployment that a configuration is of, from this host, within 10 s: names first, then
 * all the rest at once, but for what has a name that is not resolved. Nothing is changed anywhere.
 */
export async function examine(
  readConfig: () => Config,
  { env, settingsFile, checks = CHECKS }: DoctorOptions,
): Promise<Examined> {
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { findings: error.problems.map(problemFinding), configured: false };
  }
  const names: Addresses = await resolveNames(hostsOf(config), { env, timeoutMs: NAMES_MS });
  const examination: Examination = {
    config,
    resolves: (host) => names.get(host)?.addresses !== undefined,
    gateway: findGateway(config),
  };
  const found = await Promise.all(
    [namesCheck(names), ...checks].map((check) => runCheck(check, examination)),
  );
  const findings = [SOUND, ...exposureFindings(settingsFile?.()), ...found.flat()];
  return { findings, configured: true };
}

const SOUND: Finding = {
  check: 'configuration',
  severity: 'ok',
  subject: 'settings',
  detail: 'the configuration is sound',
};

function exposureFindings(file: SettingsFile | undefined): Finding[] {
  if (!file?.exposure) return [];
  const { detail, remedy } = parted(file.exposure);
  return [
    {
      check: 'configuration',
      severity: 'warning',
      subject: file.path,
      detail: `it holds secrets and ${detail}`,
      remedy,
    },
  ];
}

/** Its value is left out: that may be what belongs elsewhere, such as a key. */
function problemFinding({ name, problem }: ConfigError['problems'][number]): Finding {
  return {
    check: 'configuration',
    severity: 'error',
    subject: name,
    detail: problem,
    remedy: 'correct it (.env.example explains every setting), then examine again',
  };
}
