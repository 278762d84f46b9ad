import type { Config } from '../config.ts';
import { workersOf } from '../gateway/worker-count.ts';
import { clientsWithin, filesFor, openFileLimit } from '../listener/connection-limit.ts';
import type { Check } from './check.ts';
import type { Report } from './finding.ts';

/** Fewer clients than that are warned of where nothing is configured. */
const FEW_CLIENTS = 1_000;

/** Whether the limit of open files is enough for the clients and backends that are configured. */
export const openFilesCheck: Check = {
  name: 'open-files',
  async run({ config, gateway }, report) {
    const running = await gateway;
    const limits = (running?.pids ?? []).map(openFileLimit).filter((limit) => limit !== undefined);
    if (limits.length > 0) {
      examineLimit(config, Math.min(...limits), 'the running gateway', report);
      return;
    }
    const own = openFileLimit('self');
    if (own !== undefined) examineLimit(config, own, 'programs started from here', report);
  },
};

function examineLimit(config: Config, limit: number, subject: string, report: Report): void {
  const processes = Math.max(1, workersOf(config));
  const allowed = clientsWithin(limit) * processes;
  const { MAX_CONNECTIONS: wanted } = config;
  const most = wanted ?? allowed;
  const of = `${shown(limit)} open files for each serving process (${processes}) allow ${shown(allowed)} clients`;
  const raise = (clients: number) => {
    const files = filesFor(Math.ceil(clients / processes));
    return `allow ${files} open files: LimitNOFILE=${files} in the systemd unit, or ulimit -n ${files}`;
  };
  if (wanted !== undefined && wanted > allowed) {
    const detail = `${of}, but MAX_CONNECTIONS is ${wanted}`;
    report({ severity: 'error', subject, detail, remedy: raise(wanted) });
  } else if (wanted === undefined && allowed < FEW_CLIENTS) {
    report({ severity: 'warning', subject, detail: of, remedy: raise(10_000) });
  } else {
    const detail = wanted === undefined ? of : `${of}; MAX_CONNECTIONS is ${wanted}`;
    report({ severity: 'ok', subject, detail });
  }
  const limited = sumOfMaxconn(config);
  if (limited === undefined || limited <= most) return;
  report({
    severity: 'warning',
    subject: 'maxconn',
    detail: `backends may be given ${limited} requests at once, but no more than ${most} clients may be connected`,
    remedy: wanted === undefined ? raise(limited) : `set MAX_CONNECTIONS to ${limited} or more`,
  });
}

/** Of all backends together; undefined where one of them has no limit. */
function sumOfMaxconn({ PORTAL_BACKENDS, CONSOLE_BACKENDS = [] }: Config): number | undefined {
  const limits = [...PORTAL_BACKENDS, ...CONSOLE_BACKENDS].map(({ maxconn }) => maxconn);
  return limits.includes(0) ? undefined : limits.reduce((sum, maxconn) => sum + maxconn, 0);
}

function shown(number: number): string {
  return Number.isFinite(number) ? String(number) : 'unlimited';
}
