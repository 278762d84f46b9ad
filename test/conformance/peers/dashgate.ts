import type { TestContext } from 'node:test';
import { startTestGateway } from '../../support/gateway.ts';
import { type TestedProxy, TIME_LIMIT_MS } from './proxy.ts';

/** Dashgate's portal as it is configured, in this process; TLS towards the client. */
export const dashgate: TestedProxy = {
  name: 'dashgate',
  differences: {},
  describe: () => 'Dashgate (TLS towards the client)',
  async start(backendPort, onStop) {
    // All that starting a gateway needs of a test is its end.
    const t = { after: onStop } as Pick<TestContext, 'after'> as TestContext;
    const limit = `${TIME_LIMIT_MS}ms`;
    const gateway = await startTestGateway(t, {
      PORTAL_BACKENDS: `http://127.0.0.1:${backendPort}`,
      PORTAL_ROOT_REDIRECT: '',
      ADMIN_LISTEN: '',
      // Once, at the start.
      HEALTH_INTERVAL: '1h',
      SHUTDOWN_TIMEOUT: '50ms',
      HEADER_TIMEOUT: limit,
      KEEPALIVE_TIMEOUT: limit,
      CLIENT_TIMEOUT: limit,
      QUEUE_TIMEOUT: limit,
      CONNECT_TIMEOUT: limit,
      SERVER_TIMEOUT: limit,
      TUNNEL_TIMEOUT: limit,
    });
    return { port: gateway.addresses.portal!.port, tls: true };
  },
};
