import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bind, frontend, writePem } from '../../../bench/peers/haproxy.ts';
import { HAPROXY_DEADLINES } from '../../../support/haproxy-deadlines.ts';
import type { Part } from '../cluster/part.ts';
import type { GatewayPorts, Peer, PeerSetup } from './peer.ts';

/** How long it may take to tell of itself, in ms. */
const STATE_MS = 2_000;

/** HAProxy with a cookie that sticks to a dashboard; the dashboards' own client knows the three nodes. */
export const haproxy: Peer = {
  name: 'haproxy',
  title: 'HAProxy + cookies',
  // Of its master, which hands its listeners over.
  reloadSignal: 'SIGUSR2',
  async sessions(_scene, nodes) {
    return { location: nodes, well: async () => true };
  },
  async start(setup, ports) {
    const file = join(setup.scene.folder, `haproxy-${ports.portal}.cfg`);
    writeFileSync(file, configuration(setup, ports));
    const child = setup.scene.children.start(['haproxy', '-W', '-f', file], { core: undefined });
    await Promise.all(Object.values(ports).map((port) => child.listening(port)));
    return child;
  },
  async well({ admin }) {
    try {
      const answer = await fetch(`http://127.0.0.1:${admin}/;csv`, {
        signal: AbortSignal.timeout(STATE_MS),
      });
      const servers = (await answer.text())
        .split('\n')
        .map((line) => line.split(','))
        .filter(([service]) => service === 'portal' || service === 'console')
        .filter(([, server]) => server !== 'FRONTEND' && server !== 'BACKEND');
      return servers.length > 0 && servers.every((fields) => fields[STATUS] === 'UP');
    } catch {
      return false;
    }
  },
};

/** The column of its table that has the state of a server. */
const STATUS = 17;

function configuration({ scene, site, certificate }: PeerSetup, ports: GatewayPorts): string {
  const tls = `ssl crt ${writePem({ folder: scene.folder, certificate })} alpn http/1.1`;
  const servers = (parts: readonly Part[], cookie: boolean) =>
    parts
      .map(({ name, way }) => {
        const sticky = cookie ? ` cookie ${name}` : '';
        return `  server ${name} 127.0.0.1:${way.port} check${sticky}`;
      })
      .join('\n');
  return `global
  nbthread 2
  maxconn 4000
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  mode http
  option redispatch
  retries 3
  http-reuse safe
  balance roundrobin
${HAPROXY_DEADLINES}
${frontend('portal', [bind(ports.portal, tls)])}
${frontend('console', [bind(ports.console, tls)])}

frontend pages
  bind 127.0.0.1:${ports.admin}
  stats enable
  stats uri /

backend portal
  cookie SERVERID insert indirect nocache
  option httpchk GET /dashboard/auth/login/
  http-check expect status 200
${servers(site.dashboards, true)}

backend console
  balance leastconn
  option httpchk GET /vnc_lite.html
  http-check expect status 200
${servers(site.consoles, false)}
`;
}
