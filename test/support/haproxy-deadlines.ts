/** How long HAProxy waits for what, as deployers customarily have it, and how often it checks servers. */
export const HAPROXY_DEADLINES = `  timeout http-request 10s
  timeout http-keep-alive 10s
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout queue 60s
  timeout check 2s
  timeout tunnel 1h
  default-server inter 2s rise 2 fall 3`;
