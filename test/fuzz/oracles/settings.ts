import { isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { type Config, ConfigError, configFrom, type Environment } from '../../../src/config.ts';
import { hostAndPort, type ListenAddress, listenAddress } from '../../../src/config-values.ts';
import { parseNode } from '../../../src/memcached/node-address.ts';
import { parseNetworks, trusts } from '../../../src/policy/networks.ts';
import { parseOrigin } from '../../../src/policy/origins.ts';
import { describeLimit, type RateLimit } from '../../../src/policy/rate-limits.ts';
import { rateLimits } from '../../../src/setting-readers.ts';
import { SETTINGS, type Setting } from '../../../src/settings.ts';
import type { BackendAddress } from '../../../src/upstream/backend-address.ts';
import { Finding } from '../engine/target.ts';
import type { Files } from './key-pair.ts';

type Values = { readonly [name: string]: unknown };

/** Longest time that a timer can wait, in ms. */
const LONGEST_MS = 2 ** 31 - 1;
/** Shorter texts may stand in a message by chance. */
const SECRET_LENGTH = 6;

/** What a reader of a setting makes of a text: its value, or the message that says what is wrong. */
export type SettingRead = { readonly value: unknown } | { readonly problem: string };

/** Reads one setting; anything but an Error with a message is a finding. */
export function readSetting(name: string, text: string, files: Files): SettingRead {
  try {
    return { value: settingOf(name).read(text, files.read) };
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error || error.message === '') {
      throw new Finding(`${name} throws what is no plain Error`, String(error));
    }
    return { problem: error.message };
  }
}

/** What is read of a setting is within its bounds, and is the same where it is written and read again. */
export function checkValue(name: string, value: unknown): void {
  for (const [rule, holds] of Object.entries(RULES)) {
    if (!holds(name, value)) throw new Finding(`${name}: ${rule}`, JSON.stringify(value));
  }
}

const RULES: Readonly<Record<string, (name: string, value: unknown) => boolean>> = {
  'an address is read again as it is written': (name, value) => {
    if (!name.endsWith('_LISTEN')) return true;
    const address = value as ListenAddress;
    return isDeepStrictEqual(listenAddress(hostAndPort(address)), address);
  },
  'a time is one that a timer can wait': (name, value) =>
    !/_(?:TIMEOUT|INTERVAL|TTL|SLOW|PING|DURATION)$/.test(name) ||
    (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LONGEST_MS),
  'a backend has a name for cookies, and a host': (name, value) =>
    !name.endsWith('_BACKENDS') ||
    (value as BackendAddress[]).every(
      (backend) => /^[\w.:[\]-]{1,300}$/.test(backend.name) && isHost(backend.url.hostname),
    ),
  'a node is read again as it is written': (name, value) =>
    name !== 'MEMCACHED_SERVERS' ||
    (value as string[]).map(parseNode).every((node) => {
      const again = parseNode(node.text);
      return isDeepStrictEqual(again, node) && (!node.text.startsWith('[') || isIPv6(node.host));
    }),
  'networks can be asked': (name, value) =>
    !/^(?:TRUSTED_PROXIES|PROXY_PROTOCOL_FROM|CACHE_ALLOW)$/.test(name) ||
    typeof trusts(parseNetworks(value as string[]), '10.0.0.1') === 'boolean',
  'limits are read again as they are written': (name, value) =>
    name !== 'RATE_LIMITS' ||
    isDeepStrictEqual(rateLimits((value as RateLimit[]).map(describeLimit).join()), value),
  'origins are read again as they are': (name, value) =>
    name !== 'CONSOLE_ALLOWED_ORIGINS' ||
    (value as string[]).every((origin) => parseOrigin(origin) === origin),
  'a Host field names a host': (name, value) =>
    !name.endsWith('_HEALTH_HOST') || isHost(String(value).replace(/:\d+$/, '')),
  'a syslog server has a host': (name, value) => {
    const { kind, host } = value as { kind?: string; host?: string };
    return name !== 'ACCESS_LOG' || kind !== 'udp' || isHost(String(host));
  },
  'header fields have no line ends': (name, value) =>
    !name.endsWith('_HEALTH_HEADERS') || !/[\r\n\0]/.test((value as string[][]).flat().join()),
};

function isHost(host: string): boolean {
  const address = /^\[(.*)\]$/.exec(host)?.[1] ?? (host.includes(':') ? host : undefined);
  return address === undefined ? /^[\w.-]+$/.test(host) : isIPv6(address);
}

/** A configuration, or what is wrong with it: never anything else, and the same in every process. */
export function readConfiguration(settings: Environment, files: Files): Config | ConfigError {
  try {
    const config = configFrom({ settings, files: files.contents });
    const again = configFrom(config.source);
    if (!isDeepStrictEqual(plain(again), plain(config))) {
      throw new Finding('another process has another configuration', JSON.stringify(settings));
    }
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const name of Object.keys(settings).filter(isSecret)) {
      const secret = settings[name]?.trim() ?? '';
      if (secret.length < SECRET_LENGTH || !error.message.includes(secret)) continue;
      // It may be the text of another setting, or a word of the message itself.
      const other = { ...settings, [name]: '?'.repeat(secret.length) };
      if (!messageFor(other, files).includes(secret)) throw new Finding('a secret is told', secret);
    }
    return error;
  }
}

function messageFor(settings: Environment, files: Files): string {
  try {
    configFrom({ settings, files: files.contents });
    return '';
  } catch (error) {
    return String(error);
  }
}

function isSecret(name: string): boolean {
  return Object.hasOwn(SETTINGS, name) && settingOf(name).secret === true;
}

function settingOf(name: string): Setting<unknown> {
  return SETTINGS[name as keyof typeof SETTINGS];
}

/** Without keys and certificates, of which each reading makes its own. */
function plain(config: Config): Values {
  const { keyPairs, adminKeyPair, TLS_CERT, TLS_KEY, ADMIN_TLS_CERT, ADMIN_TLS_KEY, ...rest } =
    config;
  return JSON.parse(JSON.stringify(rest)) as Values;
}
