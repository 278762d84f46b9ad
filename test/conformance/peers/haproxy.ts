import { startDaemon, versionLine } from './daemon.ts';
import { HAPROXY_DIFFERENCES } from './haproxy-differences.ts';
import { HEAD_LIMIT, type TestedProxy, TIME_LIMIT_MS } from './proxy.ts';

/** HAProxy as it is commonly configured for a dashboard; plain HTTP towards the client. */
export const haproxy: TestedProxy = {
  name: 'haproxy',
  differences: HAPROXY_DIFFERENCES,
  describe: () => versionLine('haproxy', '-v'),
  start: (backendPort, onStop) =>
    startDaemon(
      {
        command: 'haproxy',
        args: (file) => ['-db', '-f', file],
        config: (port) => `global
  tune.bufsize ${HEAD_LIMIT}
  nbthread 1
defaults
  mode http
  option http-keep-alive
  http-reuse safe
  timeout connect ${TIME_LIMIT_MS}
  timeout client ${TIME_LIMIT_MS}
  timeout server ${TIME_LIMIT_MS}
  timeout http-request ${TIME_LIMIT_MS}
  timeout http-keep-alive ${TIME_LIMIT_MS}
  timeout tunnel ${TIME_LIMIT_MS}
frontend door
  bind 127.0.0.1:${port}
  option forwardfor
  default_backend one
backend one
  server one 127.0.0.1:${backendPort}
`,
      },
      onStop,
    ),
};
