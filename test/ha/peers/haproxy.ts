import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HAPROXY_DEADLINES } from '../../support/haproxy-deadlines.ts';
import { CONSOLES, DASHBOARDS, FLOATING, PORTS } from '../addresses.ts';
import type { Peer } from './peer.ts';

/** Where HAProxy is behind hitch. */
const PLAIN = { portal: 8080, console: 8081 } as const;

/** The stack before: hitch for TLS, and behind it HAProxy with a cookie that sticks to a dashboard. */
export const haproxy: Peer = {
  name: 'haproxy+hitch',
  programs: ['haproxy', 'hitch'],
  resources({ folder, certificate, monitorMs }) {
    const pem = join(folder, 'pair.pem');
    const parts = [certificate.cert, certificate.key].map((file) => readFileSync(file, 'utf8'));
    writeFileSync(pem, parts.join('\n'), { mode: 0o600 });
    const haproxyFile = join(folder, 'haproxy.cfg');
    writeFileSync(haproxyFile, HAPROXY);
    const hitch = (name: keyof typeof PLAIN, port: number) => {
      const file = join(folder, `hitch-${name}.conf`);
      writeFileSync(file, hitchConf(pem, port, PLAIN[name]));
      return file;
    };
    const service = (name: string, program: string, options: string) =>
      `primitive ${name} ocf:heartbeat:anything \\
	params binfile=${program} cmdline_options="${options}" pidfile=/run/${name}.pid \\
	op start timeout=20s interval=0 op stop timeout=20s interval=0 \\
	op monitor interval=${monitorMs}ms timeout=10s \\
	meta migration-threshold=1 failure-timeout=30s
`;
    return {
      clone: 'front-clone',
      address: 'dashboard-ip',
      configuration: `${service('haproxy', '/usr/sbin/haproxy', `-db -f ${haproxyFile}`)}
${service('hitch-portal', '/usr/sbin/hitch', `--config=${hitch('portal', 443)}`)}
${service('hitch-console', '/usr/sbin/hitch', `--config=${hitch('console', 6080)}`)}
group front haproxy hitch-portal hitch-console
clone front-clone front meta interleave=true
primitive dashboard-ip ocf:heartbeat:IPaddr2 \\
	params ip=${FLOATING} cidr_netmask=24 \\
	op monitor interval=5s timeout=20s \\
	meta resource-stickiness=100
colocation dashboard-ip-with-front inf: dashboard-ip front-clone
order front-before-dashboard-ip Mandatory: front-clone dashboard-ip
`,
    };
  },
};

const servers = (addresses: readonly string[], port: number, cookie: boolean) =>
  addresses
    .map((at, i) => `  server s${i + 1} ${at}:${port} check${cookie ? ` cookie s${i + 1}` : ''}`)
    .join('\n');

const HAPROXY = `global
  maxconn 4000

defaults
  mode http
  option redispatch
  option forwardfor
  retries 3
${HAPROXY_DEADLINES}

frontend portal
  bind 127.0.0.1:${PLAIN.portal}
  http-request set-header X-Forwarded-Proto https
  http-request redirect code 301 location /dashboard/ if { path / }
  default_backend portal

frontend console
  bind 127.0.0.1:${PLAIN.console}
  default_backend console

backend portal
  balance roundrobin
  cookie SERVERID insert indirect nocache
  option httpchk GET /dashboard/auth/login/
  http-check expect status 200
${servers(DASHBOARDS, PORTS.dashboard, true)}

backend console
  balance source
  option httpchk GET /vnc_lite.html
  http-check expect status 200
${servers(CONSOLES, PORTS.console, false)}
`;

function hitchConf(pem: string, port: number, to: number): string {
  return `frontend = "[*]:${port}"
backend = "[127.0.0.1]:${to}"
pem-file = "${pem}"
tls-protos = TLSv1.2 TLSv1.3
alpn-protos = "http/1.1"
workers = 1
daemon = off
user = "nobody"
group = "nogroup"
`;
}
