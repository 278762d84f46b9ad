/** Readers of settings that other parts of Dashgate know the meaning of; see `config-values.ts`. */
import type { FileReader } from './config-files.ts';
import { duration, integer, list, urlPath } from './config-values.ts';
import { messageOf } from './errors.ts';
import { parseNode } from './memcached/node-address.ts';
import { isGatewayName } from './memcached/roster.ts';
import { parseNetworks } from './policy/networks.ts';
import { parseOrigin } from './policy/origins.ts';
import type { RateLimit } from './policy/rate-limits.ts';
import { parseBackends } from './upstream/backend-address.ts';
import { BackendTls } from './upstream/backend-tls.ts';
import type { EjectionPolicy } from './upstream/ejection.ts';

export function backends(value: string, files: FileReader) {
  const problems: string[] = [];
  const parsed = parseBackends(
    value,
    (problem) => problems.push(problem),
    (options) => new BackendTls(options, files),
  );
  if (problems.length > 0) throw new Error(problems.join('; '));
  return parsed;
}

const MAX_WORKERS = 256;

export function workers(value: string): number | 'auto' {
  if (value === 'auto') return 'auto';
  try {
    return integer(0, MAX_WORKERS)(value);
  } catch (error) {
    throw new Error(`${messageOf(error)}, or auto`);
  }
}

/** As `backends`, each with room for as many consoles as one proxy is good for unless told. */
export function consoleBackends(value: string, files: FileReader) {
  return backends(value, files).map((backend) => ({
    ...backend,
    maxconn: backend.maxconn || 8_192,
  }));
}

const EJECTION = /^failures=(\d{1,4}) time=(\S+) max=(\S+) percent=(\d{1,3})$/;

export function ejection(value: string): EjectionPolicy {
  const [, failures, time = '', max = '', percent] =
    EJECTION.exec(value.replace(/\s+/g, ' ')) ?? [];
  if (failures === undefined) {
    throw new Error('is not complete; write failures=5 time=30s max=5m percent=50, or nothing');
  }
  const policy = {
    failures: integer(1, 1_000)(failures),
    baseMs: duration(time),
    maxMs: duration(max),
    percent: integer(0, 100)(percent!),
  };
  if (policy.maxMs < policy.baseMs) throw new Error('has a max that is shorter than its time');
  return policy;
}

export function nodes(value: string): string[] {
  const entries = list(value);
  if (entries.length === 0) throw new Error('names no node; write host:port, comma-separated');
  for (const entry of entries) parseNode(entry);
  return entries;
}

export function origins(value: string): string[] {
  return list(value).map(parseOrigin);
}

export function networks(value: string): string[] {
  const entries = list(value);
  parseNetworks(entries);
  return entries;
}

export function rootRedirect(value: string): string {
  const path = urlPath(value);
  if (path !== '/' && !path.startsWith('/?')) return path;
  throw new Error('leads back to itself; set it to nothing where the dashboard lives at /');
}

export function deniedPaths(value: string): string[] {
  return list(value).map((path) => {
    if (/[%?#]/.test(path)) throw new Error(`has "${path}"; write a plain path without % ? or #`);
    return urlPath(path).toLowerCase().replace(/\/+$/, '');
  });
}

const RATE_LIMIT = /^(\d{1,6})\/(\S+) on (?:([A-Z]{1,20}) )?(\/\S*)$/;

export function rateLimits(value: string): RateLimit[] {
  return list(value).map((entry) => {
    const [, most, period = '', method, path = ''] =
      RATE_LIMIT.exec(entry.replace(/\s+/g, ' ')) ?? [];
    if (most === undefined) {
      throw new Error(`has "${entry}"; write for example 20/10s on POST /dashboard/auth/`);
    }
    const periodMs = duration(period);
    if (periodMs % 1_000 !== 0 || periodMs > DAY_MS) {
      throw new Error(`has a time of ${period}; write whole seconds, up to 24h`);
    }
    const [plain = ''] = deniedPaths(path);
    return { most: integer(1, 1_000_000)(most), periodMs, method, path: plain };
  });
}

const DAY_MS = 86_400_000;

export function keyPrefix(value: string): string {
  // memcached ends a key at a blank; Django refuses such prefixes as well.
  if (/^[!-~]{0,100}$/.test(value)) return value;
  throw new Error('has a blank or an unusual character; use what Django uses');
}

export function gatewayName(value: string): string {
  if (isGatewayName(value)) return value;
  throw new Error('is no name of a gateway; write letters, digits, or . _ - :');
}

export function sharedSecret(value: string): string {
  if (value.length >= 16) return value;
  throw new Error('is too short; write 16 characters or more, such as openssl rand -hex 16 gives');
}

export function ticketSecret(value: string): string {
  if (value.length >= 32) return value;
  throw new Error('is too short; write 32 characters or more, such as openssl rand -hex 32 gives');
}

export function adminPassword(value: string): string {
  if (value.length >= 12) return value;
  throw new Error('is too short; write 12 characters or more');
}

export function adminToken(value: string): string {
  if (/^[\w.~+/-]{32,200}=*$/.test(value)) return value;
  throw new Error(
    'is no token; write 32 to 200 letters, digits or . _ ~ + / -, such as openssl rand -hex 32 gives',
  );
}
