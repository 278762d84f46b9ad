import { isIP } from 'node:net';
import type { Config } from '../config.ts';
import { isLoopback } from '../policy/networks.ts';
import type { Check } from './check.ts';
import type { Report } from './finding.ts';

/** Who may reach what is not for everybody, and whose word is taken for something. */
export const accessCheck: Check = {
  name: 'access',
  run({ config }, report) {
    const { CACHE_LISTEN: cache } = config;
    examineAdmin(config, report);
    examineNetworks('TRUSTED_PROXIES', config.TRUSTED_PROXIES, report, {
      all: 'anybody may choose the address and scheme that dashboards see, with X-Forwarded-*',
      remedy: 'name the addresses of the proxies in front, and nothing else',
    });
    examineNetworks('PROXY_PROTOCOL_FROM', config.PROXY_PROTOCOL_FROM, report, {
      all: 'anybody may choose the address that logs and dashboards see, and browsers, which send no PROXY header, are refused',
      remedy: 'name the addresses of the load balancers in front, and nothing else',
    });
    if (!cache || isLoopback(cache.host)) return;
    examineNetworks('CACHE_ALLOW', config.CACHE_ALLOW, report, {
      all: 'anybody who reaches CACHE_LISTEN may read and delete every session',
      remedy: 'name the addresses of the dashboards, and nothing else',
    });
  },
};

/** Who reaches the admin listener, and who can read what goes there. */
function examineAdmin(
  { ADMIN_LISTEN: admin, ADMIN_TLS: secure, ADMIN_PASSWORD: password }: Config,
  report: Report,
): void {
  if (!admin) return;
  const subject = 'ADMIN_LISTEN';
  if (isLoopback(admin.host)) {
    const detail = 'the admin listener is open to this host only';
    report({ severity: 'ok', subject, detail });
    return;
  }
  const reached = `the admin listener at ${admin.host} can be reached from beyond this host`;
  if (secure) {
    report({
      severity: 'note',
      subject,
      detail: `${reached}, over HTTPS`,
      remedy: 'close the port to all but operators and what collects metrics',
    });
    return;
  }
  const what = password === undefined ? 'its token goes' : 'its password goes';
  report({
    severity: 'warning',
    subject,
    detail: `${reached}, and ${what} over the network as plain text`,
    remedy: 'set ADMIN_TLS=on, or write 127.0.0.1:9090 and reach it through SSH',
  });
}

/** A range of IPv4 or IPv6 with fewer bits is of many networks; with none, it is everybody. */
const FEW_BITS = { 4: 8, 6: 32 } as const;

function examineNetworks(
  setting: string,
  entries: readonly string[],
  report: Report,
  { all, remedy }: { readonly all: string; readonly remedy: string },
): void {
  let sound = true;
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const version = isIP(address) === 6 ? 6 : 4;
    if (prefix === undefined || Number(prefix) >= FEW_BITS[version]) continue;
    sound = false;
    const everybody = Number(prefix) === 0;
    const detail = everybody ? `${entry} is everybody: ${all}` : `${entry} is very wide: ${all}`;
    report({ severity: everybody ? 'error' : 'warning', subject: setting, detail, remedy });
  }
  if (sound && entries.length > 0) {
    report({ severity: 'ok', subject: setting, detail: `names ${entries.join(', ')}` });
  }
}
