import type { Config } from '../config.ts';
import type { HealthCheck } from '../upstream/health-check.ts';
import { type Expectation, parseExpectation } from '../upstream/status-set.ts';

/** What a service says of its health checks, whatever their kind. */
interface CheckSettings {
  readonly kind: HealthCheck['kind'];
  readonly method: 'GET' | 'HEAD' | 'OPTIONS';
  readonly path: string;
  readonly host: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[] | undefined;
  readonly expect: Expectation;
  readonly banner: boolean;
  readonly timeoutMs: number;
}

/** The health check of a dashboard, as it is configured. */
export function portalCheck(config: Config): HealthCheck {
  return checkOf({
    kind: config.PORTAL_HEALTH_CHECK,
    method: config.PORTAL_HEALTH_METHOD,
    path: config.PORTAL_HEALTH_PATH,
    host: config.PORTAL_HEALTH_HOST,
    headers: config.PORTAL_HEALTH_HEADERS,
    expect: config.PORTAL_HEALTH_EXPECT,
    banner: false,
    timeoutMs: config.HEALTH_TIMEOUT,
  });
}

/** The health check of a noVNC proxy, as it is configured. */
export function consoleCheck(config: Config): HealthCheck {
  const kind = config.CONSOLE_HEALTH_CHECK;
  const usual =
    kind === 'websocket'
      ? { path: '/websockify', expect: '101,close' }
      : { path: '/vnc_lite.html', expect: '200' };
  return checkOf({
    kind,
    method: config.CONSOLE_HEALTH_METHOD,
    path: config.CONSOLE_HEALTH_PATH ?? usual.path,
    host: config.CONSOLE_HEALTH_HOST,
    headers: config.CONSOLE_HEALTH_HEADERS,
    expect: config.CONSOLE_HEALTH_EXPECT ?? parseExpectation(usual.expect),
    banner: config.CONSOLE_HEALTH_BANNER,
    timeoutMs: config.HEALTH_TIMEOUT,
  });
}

function checkOf({
  kind,
  method,
  banner,
  expect,
  timeoutMs,
  ...request
}: CheckSettings): HealthCheck {
  switch (kind) {
    case 'tcp':
      return { kind, timeoutMs };
    case 'http':
      return { kind, method, ...request, expect: expect.statuses, timeoutMs };
    case 'websocket':
      return { kind, ...request, expect, banner, timeoutMs };
  }
}
