import { randomBytes } from 'node:crypto';
import { ConsoleTokens } from '../../src/demo/console-token.ts';
import type { PartEnvironment } from '../../src/demo/part.ts';
import { until } from '../support/until.ts';
import { CONSOLES, DASHBOARDS, FLOATING, NODES, PORTS, PREFIX } from './addresses.ts';
import { Network, type Switch } from './network.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const START_MS = 60_000;

/** Who is logged in. */
export const LOGIN = { user: 'demo', password: 'secret of the demo' } as const;

/** Three dashboards, two consoles and three memcached nodes, which never fail. */
export class Site {
  /** A token that opens a console, as the dashboard gives it. */
  readonly token: () => string;
  readonly #network: Network;

  static async start(lan: Switch): Promise<Site> {
    const network = await Network.create();
    const all = [...NODES, ...DASHBOARDS, ...CONSOLES];
    lan.plug(
      network,
      all.map((address) => `${address}/${PREFIX}`),
    );
    for (const address of NODES) {
      const where = ['-l', address, '-p', String(PORTS.memcached), '-U', '0', '-m', '64'];
      // Who becomes another user is no longer ended by the kernel with this process.
      network.start(['memcached', '-u', 'root', ...where]);
    }
    const secret = randomBytes(32).toString('base64url');
    const part = (kind: 'dashboard' | 'console', address: string, i: number) => {
      const env: PartEnvironment & Record<string, string> = {
        DEMO_NAME: `${kind}-${i + 1}`,
        DEMO_LISTEN: `${address}:${PORTS[kind]}`,
        DEMO_CONSOLE_URL: `https://${FLOATING}:6080/vnc_lite.html`,
        DEMO_USER: LOGIN.user,
        DEMO_PASSWORD: LOGIN.password,
        DEMO_TOKEN_SECRET: secret,
        MEMCACHED_SERVERS: NODES.map((node) => `${node}:${PORTS.memcached}`).join(','),
        LOG_LEVEL: 'warn',
      };
      network.start([process.execPath, MAIN, kind], { env });
    };
    for (const [i, address] of DASHBOARDS.entries()) part('dashboard', address, i);
    for (const [i, address] of CONSOLES.entries()) part('console', address, i);
    const pages = [
      ...DASHBOARDS.map((address) => `http://${address}:${PORTS.dashboard}/dashboard/auth/login/`),
      ...CONSOLES.map((address) => `http://${address}:${PORTS.console}/vnc_lite.html`),
    ];
    await until('the dashboards and consoles answer', () => pages.every(answers), START_MS);
    const tokens = new ConsoleTokens(secret);
    return new Site(network, () => tokens.issue('instance'));

    function answers(page: string): boolean {
      try {
        network.run(['curl', '-sf', '-o', '/dev/null', '--noproxy', '*', '-m', '5', page]);
        return true;
      } catch {
        return false;
      }
    }
  }

  private constructor(network: Network, token: () => string) {
    this.#network = network;
    this.token = token;
  }

  async remove(): Promise<void> {
    await this.#network.remove();
  }
}
