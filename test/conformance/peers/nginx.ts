import { startDaemon, versionLine } from './daemon.ts';
import { NGINX_DIFFERENCES } from './nginx-differences.ts';
import { HEAD_LIMIT, type TestedProxy, TIME_LIMIT_MS } from './proxy.ts';

/**
 * nginx as a proxy with kept connections and websockets, passing bodies on as they come; plain HTTP
 * towards the client.
 */
export const nginx: TestedProxy = {
  name: 'nginx',
  differences: NGINX_DIFFERENCES,
  describe: () => versionLine('nginx', '-v'),
  start: (backendPort, onStop) =>
    startDaemon(
      {
        command: 'nginx',
        args: (file) => ['-e', 'stderr', '-c', file],
        config: (port, folder) => `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 64; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')}
  keepalive_timeout ${TIME_LIMIT_MS}ms;
  client_header_timeout ${TIME_LIMIT_MS}ms;
  client_body_timeout ${TIME_LIMIT_MS}ms;
  large_client_header_buffers 4 8k;
  map $http_upgrade $hop { default upgrade; '' ''; }
  upstream one {
    server 127.0.0.1:${backendPort} max_fails=0;
    keepalive 8;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://one;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_buffer_size ${HEAD_LIMIT};
      proxy_buffers 4 ${HEAD_LIMIT};
      proxy_connect_timeout ${TIME_LIMIT_MS}ms;
      proxy_read_timeout ${TIME_LIMIT_MS}ms;
      proxy_send_timeout ${TIME_LIMIT_MS}ms;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $hop;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`,
      },
      onStop,
    ),
};
