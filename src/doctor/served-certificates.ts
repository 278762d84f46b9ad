import type { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { Config } from '../config.ts';
import { type ListenAddress, reachedAt } from '../config-values.ts';
import { dataListeners, type ListenerConfig } from '../gateway/listeners.ts';
import type { KeyPair } from '../listener/certificate.ts';
import { parseNetworks, trusts } from '../policy/networks.ts';
import { type Check, examineEach } from './check.ts';
import type { Observation } from './finding.ts';

const HANDSHAKE_MS = 2_000;

/** Whether the gateway that runs shows the certificates that its files have by now. */
export const servedCertificatesCheck: Check = {
  name: 'served-certificates',
  async run({ config, gateway, resolves }, report) {
    const reached = shownOf(config).filter(
      ({ address }) => address.port !== 0 && resolves(address.host),
    );
    if (!(await gateway)) return;
    await examineEach(reached, async (shown, tell) => tell(await examineListener(shown)), report);
  },
};

/** A listener, and what it is to show. */
interface Shown {
  readonly subject: string;
  readonly address: ListenAddress;
  readonly pairs: readonly KeyPair[];
  /** Where the pairs come from. */
  readonly setting: string;
}

function shownOf(config: Config): Shown[] {
  const { keyPairs: pairs, adminKeyPair, ADMIN_LISTEN: admin, ADMIN_TLS_CERT } = config;
  const shown: Shown[] = dataListeners(config)
    .filter(({ name }) => name === 'portal' || name === 'console')
    .filter((listener) => !expectsProxyHeader(listener, config))
    .map(({ setting: subject, address }) => ({ subject, address, pairs, setting: 'TLS_CERT' }));
  if (admin && adminKeyPair) {
    const setting = ADMIN_TLS_CERT ? 'ADMIN_TLS_CERT' : 'TLS_CERT';
    shown.push({ subject: 'ADMIN_LISTEN', address: admin, pairs: [adminKeyPair], setting });
  }
  return shown;
}

/** A listener takes no connection of this host without a PROXY protocol header where it is a proxy. */
function expectsProxyHeader({ address }: ListenerConfig, config: Config): boolean {
  const proxies = config.PROXY_PROTOCOL_FROM;
  const { host } = reachedAt(address);
  return proxies.length > 0 && trusts(parseNetworks(proxies), host === 'localhost' ? '::1' : host);
}

async function examineListener({ subject, address, pairs, setting }: Shown): Promise<Observation> {
  let shown: X509Certificate;
  try {
    shown = await certificateAt(reachedAt(address));
  } catch (error) {
    return {
      severity: 'warning',
      subject,
      detail: `no TLS connection to it can be made: ${(error as Error).message}`,
      remedy: 'look into the log of the gateway, and what else may listen there',
    };
  }
  const { fingerprint256 } = shown;
  if (pairs.some(({ leaf }) => leaf.fingerprint256 === fingerprint256)) {
    const detail = `clients are shown a certificate of ${setting} as it is now`;
    return { severity: 'ok', subject, detail };
  }
  return {
    severity: 'warning',
    subject,
    detail: `clients are shown a certificate until ${shown.validTo} that is none of ${setting} as it is now`,
    remedy: 'have the gateway read its certificates anew (kill -HUP)',
  };
}

function certificateAt(where: {
  readonly host: string;
  readonly port: number;
}): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...where, rejectUnauthorized: false });
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no handshake within ${HANDSHAKE_MS} ms`));
    }, HANDSHAKE_MS);
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate) resolve(certificate);
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection was closed'));
    });
  });
}
