import { type ServiceConfig, serviceConfigs } from '../gateway/services.ts';
import type { BackendAddress } from '../upstream/backend-address.ts';
import type { CheckResult } from '../upstream/check-result.ts';
import { checkBackend } from '../upstream/health-check.ts';
import { certificateFinding } from './backend-certificate.ts';
import { clockOf } from './backend-clock.ts';
import { type Check, type Examination, examineEach, PEER_MS, parted } from './check.ts';
import { clockFinding } from './clocks.ts';
import type { Observation, Report } from './finding.ts';

/** How long the certificate of a backend, and its clock, may take, in ms. */
const TLS_MS = 1_500;
const CLOCK_MS = 750;

/**
 * Whether backends answer, each by one health check as the gateway makes them, with what their
 * certificates and clocks are worth.
 */
export const backendsCheck: Check = {
  name: 'backends',
  async run(examination, report) {
    const peers = serviceConfigs(examination.config).flatMap((service) =>
      service.backends.map((backend) => ({ backend, service })),
    );
    await examineEach(
      peers,
      ({ backend, service }, tell) => examineBackend(backend, service, examination, tell),
      report,
    );
  },
};

async function examineBackend(
  backend: BackendAddress,
  { service, check }: ServiceConfig,
  { config, resolves }: Examination,
  report: Report,
): Promise<void> {
  const subject = `${service} ${backend.name}`;
  if (!resolves(backend.url.hostname.replace(/^\[|\]$/g, ''))) {
    const detail = 'it is not asked, for its name does not resolve';
    report({ severity: 'error', subject, detail, remedy: 'see names' });
    return;
  }
  if (backend.tls) {
    const found = await certificateFinding(backend, TLS_MS);
    report({ subject, ...found });
    // Nothing else would be said of it by its health check, which needs a connection, too.
    if (found.severity === 'error') return;
  }
  const left = PEER_MS - CLOCK_MS - (backend.tls ? TLS_MS : 0);
  const timeoutMs = Math.min(check.timeoutMs, left);
  const started = performance.now();
  const result = await checkBackend(backend, { ...check, timeoutMs });
  const tookMs = performance.now() - started;
  const waits = { tookMs, timeoutMs, gatewayMs: config.HEALTH_TIMEOUT };
  report({ subject, ...judgeCheck(result, service, waits) });
  // A check may want no Host of its own.
  const host = ('host' in check && check.host) || backend.url.host;
  const clock = result.ok ? await clockOf(backend, host, CLOCK_MS) : undefined;
  if (clock)
    report({ subject, ...clockFinding(clock, 'set the clocks right: chrony on both hosts') });
}

/** In ms. */
interface Waits {
  readonly tookMs: number;
  /** How long it was waited for. */
  readonly timeoutMs: number;
  /** How long the gateway waits. */
  readonly gatewayMs: number;
}

/** What a health check that ended so, after so long, says of a backend of a service. */
export function judgeCheck(
  { ok, detail, unasked }: CheckResult,
  service: string,
  { tookMs, timeoutMs, gatewayMs }: Waits,
): Pick<Observation, 'severity' | 'detail' | 'remedy'> {
  const told = `${detail}, in ${Math.ceil(tookMs)} ms`;
  if (unasked) {
    const remedy = 'raise the limit of open files (LimitNOFILE, ulimit -n) or of local ports';
    return { severity: 'error', detail: told, remedy };
  }
  // Not by the time it took: a timer may fire a moment before the time that a clock tells.
  if (!ok && timeoutMs < gatewayMs && / within \d+ ms$/.test(detail)) {
    const less = `${detail}; the gateway waits longer for it (HEALTH_TIMEOUT=${gatewayMs}ms)`;
    return { severity: 'warning', detail: less, remedy: 'look why it is slow' };
  }
  if (!ok) return { severity: 'error', detail: told, remedy: remedyOf(detail, service) };
  if (tookMs <= gatewayMs / 2) return { severity: 'ok', detail: told };
  return {
    severity: 'warning',
    detail: `${told}: more than half of HEALTH_TIMEOUT, after which it is taken for dead`,
    remedy: 'look why it is slow, or raise HEALTH_TIMEOUT',
  };
}

function remedyOf(detail: string, service: string): string {
  const settings = `${service.toUpperCase()}_HEALTH`;
  const status = / gave (\d{3})$/.exec(detail)?.[1];
  if (status === '400') return `set ${settings}_HOST to a name that Django's ALLOWED_HOSTS has`;
  if (status?.startsWith('3') || status === '404') {
    return `set ${settings}_PATH to a page that answers as ${settings}_EXPECT says`;
  }
  if (status) return `look into its log; which answers are good is said by ${settings}_EXPECT`;
  if (/ECONNREFUSED/.test(detail)) return 'start it, or correct its address and port';
  const { remedy } = parted(detail);
  return remedy ?? 'look whether it runs, and whether a firewall lets this host reach it';
}
