import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../support/free-port.ts';
import { HAPROXY_DEADLINES } from '../../support/haproxy-deadlines.ts';
import { CIPHER_SUITES } from './cipher-suites.ts';
import type { Peer, PeerSetup } from './peer.ts';

/** What "option httplog" stands for (HAProxy's configuration manual §8.2.3). */
const HTTP_LOG =
  '%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq ' +
  '%hr %hs %{+Q}r';

/** HAProxy doing the work that Dashgate does. */
export const haproxy: Peer = {
  name: 'haproxy',
  programs: ['haproxy'],
  plain: true,
  note: 'one thread, or as many as Dashgate has workers, log with request ids to /dev/null, active health checks',
  async start(setup) {
    const [portal, console, plain] = (await freePorts(3)) as [number, number, number];
    const pem = writePem(setup);
    const tls = `ssl crt ${pem} alpn http/1.1`;
    const child = setup.children.start(
      haproxyCommand(setup, [
        frontend('portal', [bind(portal, tls), bind(plain)]),
        frontend('console', [bind(console, tls)]),
      ]),
      { core: setup.core },
    );
    await Promise.all([portal, console, plain].map((port) => child.listening(port)));
    return { portal, console, plain, pids: [child.pid], ...child };
  },
};

/** Certificate and key in one file, as HAProxy and hitch want them. */
export function writePem({
  folder,
  certificate,
}: Pick<PeerSetup, 'folder' | 'certificate'>): string {
  const pem = join(folder, 'pair.pem');
  const text = [certificate.cert, certificate.key].map((file) => readFileSync(file, 'utf8'));
  writeFileSync(pem, text.join('\n'), { mode: 0o600 });
  return pem;
}

/** A `bind` line on loopback. */
export function bind(port: number, options = ''): string {
  return `  bind 127.0.0.1:${port} ${options}`.trimEnd();
}

/**
 * A frontend with Dashgate's policies: headers that only the gateway may set, closed paths, the
 * redirect of the root, addresses and cookies of answers made https, one id of a request for the
 * backend, the client and the log.
 */
export function frontend(
  service: 'portal' | 'console',
  binds: readonly string[],
  scheme = '%[ssl_fc,iif(https,http)]',
): string {
  const portal = `
  http-request deny if { path_beg,url_dec -i /server-status /server-info }
  http-request redirect code 301 location /dashboard/ if { path / }`;
  return `
frontend ${service}
${binds.join('\n')}
  unique-id-format %[uuid()]${service === 'portal' ? portal : ''}
  http-request del-header ^(x[-_]forwarded[-_](for|host|port|proto|scheme|ssl|server|prefix)|forwarded|x[-_]real[-_]ip|x[-_]request[-_]id)$ -m reg
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto ${scheme}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Request-Id %[unique-id]
  http-response replace-header Location ^http://(.*)$ https://\\1
  http-response replace-header Set-Cookie ^((?:(?!;\\s*Secure).)*)$ "\\1; Secure"
  http-response set-header X-Request-Id %[unique-id]
  default_backend ${service}`;
}

/** Writes the configuration and gives the command that runs it. */
export function haproxyCommand(
  { folder, origins, openFiles, workers = 1 }: PeerSetup,
  frontends: readonly string[],
): string[] {
  const file = join(folder, 'haproxy.cfg');
  const servers = (ports: readonly number[]) =>
    ports.map((port, i) => `  server s${i} 127.0.0.1:${port} check`).join('\n');
  // A connection through it is two open files; the rest is for listeners, checks and itself.
  const maxconn = Math.floor((openFiles - 500) / 2);
  writeFileSync(
    file,
    `global
  nbthread ${workers}
  maxconn ${maxconn}
  log stdout format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-bind-ciphersuites ${CIPHER_SUITES}
  # Else it keeps no connections to backends once tunnels hold a fifth of the open files.
  tune.pool-low-fd-ratio 100
  tune.pool-high-fd-ratio 100

defaults
  mode http
  log global
  log-format "${HTTP_LOG} %ID"
  option dontlognull
  option redispatch
  retries 3
  http-reuse always
  balance roundrobin
${HAPROXY_DEADLINES}
${frontends.join('\n')}

backend portal
  option httpchk GET /dashboard/auth/login/
  http-check expect status 200
${servers(origins.portal)}

backend console
  option httpchk GET /vnc_lite.html
  http-check expect status 200
${servers(origins.console)}
`,
  );
  return ['haproxy', '-db', '-f', file];
}
