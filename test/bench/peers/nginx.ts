import { freePorts } from '../../support/free-port.ts';
import { nginxMain } from '../nginx-main.ts';
import { CIPHER_SUITES } from './cipher-suites.ts';
import type { Peer } from './peer.ts';

const HEADERS = `
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header Forwarded "";
      proxy_set_header X-Forwarded-Scheme "";
      proxy_set_header X-Forwarded-Ssl "";
      proxy_set_header X-Forwarded-Server "";
      proxy_set_header X-Forwarded-Prefix "";`;

/** nginx with one worker. Its free edition checks health only by what happens to requests. */
export const nginx: Peer = {
  name: 'nginx',
  programs: ['nginx'],
  plain: true,
  note: 'worker_processes 1, access log with request ids to /dev/null, passive health checks only',
  async start({ children, folder, core, origins, certificate, openFiles }) {
    const [portal, console, plain] = (await freePorts(3)) as [number, number, number];
    const servers = (ports: readonly number[]) =>
      ports.map((port) => `    server 127.0.0.1:${port};`).join('\n');
    const tls = `
    ssl_certificate ${certificate.cert};
    ssl_certificate_key ${certificate.key};`;
    const command = nginxMain(
      folder,
      `
  log_format main '$remote_addr [$time_iso8601] "$request" $status $bytes_sent $upstream_addr '
    '$request_time $upstream_connect_time $upstream_response_time $request_id';
  access_log /dev/null main;
  add_header X-Request-Id $request_id always;
  proxy_hide_header X-Request-Id;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers on;
  ssl_conf_command Ciphersuites ${CIPHER_SUITES};
  client_max_body_size 0;
  client_header_timeout 10s;
  client_body_timeout 60s;
  send_timeout 60s;
  keepalive_timeout 10s;
  keepalive_requests 1000000000;
  map $http_upgrade $connection_upgrade {
    default upgrade;
    "" "";
  }
  upstream portal {
${servers(origins.portal)}
    keepalive 256;
    keepalive_requests 1000000000;
  }
  upstream console {
${servers(origins.console)}
    keepalive 256;
    keepalive_requests 1000000000;
  }
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_connect_timeout 5s;
  proxy_next_upstream_tries 4;
  server {
    listen 127.0.0.1:${portal} ssl backlog=4096;
    listen 127.0.0.1:${plain} backlog=4096;${tls}
    location ~* ^/server-(status|info)(/|$) { return 403; }
    location = / { return 301 /dashboard/; }
    location / {
      proxy_pass http://portal;
      proxy_set_header Connection "";${HEADERS}
    }
  }
  server {
    listen 127.0.0.1:${console} ssl backlog=4096;${tls}
    location / {
      proxy_pass http://console;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;${HEADERS}
    }
  }`,
      openFiles - 500,
    );
    const child = children.start(command, { core });
    await Promise.all([portal, console, plain].map((port) => child.listening(port)));
    return { portal, console, plain, pids: [child.pid], ...child };
  },
};
