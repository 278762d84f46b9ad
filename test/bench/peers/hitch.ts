import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../support/free-port.ts';
import { CIPHER_SUITES } from './cipher-suites.ts';
import { bind, frontend, haproxyCommand, writePem } from './haproxy.ts';
import type { Peer } from './peer.ts';

/**
 * The old stack: a TLS terminator in front of HAProxy. hitch is the successor of Stud. It has one
 * backend, so each service has a hitch of its own.
 */
export const hitch: Peer = {
  name: 'hitch+haproxy',
  programs: ['hitch', 'haproxy'],
  plain: false,
  note: 'one hitch worker for each service, which tells HAProxy, as above and behind it, of clients by PROXY protocol v2',
  async start(setup) {
    const ports = (await freePorts(4)) as [number, number, number, number];
    const [portal, console, plainPortal, plainConsole] = ports;
    const { children, core, folder } = setup;
    const pem = writePem(setup);
    // hitch refuses to serve as root.
    const user = process.getuid?.() === 0 ? 'user = "nobody"\ngroup = "nogroup"' : '';
    const terminator = (name: string, port: number, to: number) => {
      const file = join(folder, `${name}.conf`);
      writeFileSync(
        file,
        `frontend = "[127.0.0.1]:${port}"
backend = "[127.0.0.1]:${to}"
pem-file = "${pem}"
tls-protos = TLSv1.2 TLSv1.3
ciphersuites = "${CIPHER_SUITES}"
prefer-server-ciphers = on
alpn-protos = "http/1.1"
workers = 1
backlog = 4096
daemon = off
write-proxy-v2 = on
${user}
`,
      );
      return children.start(['hitch', `--config=${file}`], { core });
    };
    const proxy = children.start(
      haproxyCommand(setup, [
        frontend('portal', [bind(plainPortal, 'accept-proxy')], 'https'),
        frontend('console', [bind(plainConsole, 'accept-proxy')], 'https'),
      ]),
      { core },
    );
    await Promise.all([proxy.listening(plainPortal), proxy.listening(plainConsole)]);
    const forPortal = terminator('portal', portal, plainPortal);
    const forConsole = terminator('console', console, plainConsole);
    await Promise.all([forPortal.listening(portal), forConsole.listening(console)]);
    const all = [proxy, forPortal, forConsole];
    return {
      portal,
      console,
      pids: all.map(({ pid }) => pid),
      assertRunning: () => {
        for (const child of all) child.assertRunning();
      },
      stop: async () => {
        await Promise.all(all.map((child) => child.stop()));
      },
    };
  },
};
