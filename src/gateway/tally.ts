import type { Refusals } from '../admin/state.ts';
import { addRequests, type RequestCounts } from '../relay/request-counts.ts';
import {
  type BackendReport,
  type DataReport,
  NO_REFUSALS,
  type ServiceReport,
} from './messages.ts';
import type { WatchedService } from './watched-service.ts';

/** Adds up what the data planes of a gateway tell, and what those told that are gone. */
export class Tally {
  /** By service and backend: leases claimed and failed in data planes that are gone. */
  readonly #past = new Map<string, { claimed: number; failed: number }>();
  /** By service: what those have answered. */
  readonly #pastRequests = new Map<string, RequestCounts>();

  #pastRefusals: Refusals = NO_REFUSALS;

  /** Keeps what a data plane has done that is gone. */
  keep(report: DataReport): void {
    this.#pastRefusals = addRefusals(this.#pastRefusals, report.refusals);
    for (const { name: service, requests, backends } of report.services) {
      this.#pastRequests.set(service, addRequests([this.#pastRequests.get(service), requests]));
      for (const { name, claimed, failed } of backends) {
        const past = this.#past.get(`${service} ${name}`) ?? { claimed: 0, failed: 0 };
        past.claimed += claimed;
        past.failed += failed;
        this.#past.set(`${service} ${name}`, past);
      }
    }
  }

  /** What was turned away or lost, in all. */
  refusals(reports: readonly DataReport[]): Refusals {
    return reports.reduce((sum, report) => addRefusals(sum, report.refusals), this.#pastRefusals);
  }

  /** Sets the counts of services to the sum of all. */
  count(services: readonly WatchedService[], reports: readonly DataReport[]): void {
    for (const service of services) {
      const theirs = reports.map((report) => serviceIn(report, service.service));
      service.queued = sum(theirs, (report) => report?.queued);
      service.tunnels = sum(theirs, (report) => report?.tunnels);
      const answered = theirs.map((report) => report?.requests);
      service.requests = addRequests([...answered, this.#pastRequests.get(service.service)]);
      for (const backend of service.backends) {
        const past = this.#past.get(`${service.service} ${backend.name}`);
        const told = reports.map((report) => backendIn(report, service.service, backend.name));
        backend.active = sum(told, (report) => report?.active);
        backend.tunnels = sum(told, (report) => report?.tunnels);
        backend.failedInARow = Math.max(0, ...told.map((report) => report?.failedInARow ?? 0));
        backend.claimed = sum(told, (report) => report?.claimed) + (past?.claimed ?? 0);
        backend.failed = sum(told, (report) => report?.failed) + (past?.failed ?? 0);
      }
    }
  }
}

/** One report in place of several. */
export function sumOf(reports: readonly DataReport[]): DataReport {
  const services = new Map<string, ServiceReport>();
  for (const service of reports.flatMap((report) => report.services)) {
    const before = services.get(service.name);
    services.set(service.name, before ? addServices(before, service) : service);
  }
  return {
    connections: sum(reports, ({ connections }) => connections),
    refusals: reports.reduce((all, { refusals }) => addRefusals(all, refusals), NO_REFUSALS),
    services: [...services.values()],
  };
}

/** A process that runs another version of the code may tell none. */
function addRefusals(one: Refusals, told: Refusals | undefined): Refusals {
  const other = told ?? NO_REFUSALS;
  return {
    rateLimited: one.rateLimited + other.rateLimited,
    connectionsOfAddress: one.connectionsOfAddress + other.connectionsOfAddress,
    logLinesDropped: one.logLinesDropped + other.logLinesDropped,
  };
}

function addServices(one: ServiceReport, other: ServiceReport): ServiceReport {
  const backends = new Map(one.backends.map((backend) => [backend.name, backend]));
  for (const backend of other.backends) {
    const before = backends.get(backend.name);
    backends.set(backend.name, before ? addBackends(before, backend) : backend);
  }
  return {
    name: one.name,
    queued: one.queued + other.queued,
    turnsAway: one.turnsAway || other.turnsAway,
    tunnels: one.tunnels + other.tunnels,
    requests: addRequests([one.requests, other.requests]),
    backends: [...backends.values()],
  };
}

function addBackends(one: BackendReport, other: BackendReport): BackendReport {
  const limit = one.limit === null || other.limit === null ? null : one.limit + other.limit;
  return {
    name: one.name,
    active: one.active + other.active,
    tunnels: one.tunnels + other.tunnels,
    limit,
    claimed: one.claimed + other.claimed,
    failed: one.failed + other.failed,
    failedInARow: Math.max(one.failedInARow, other.failedInARow),
  };
}

/** What a report tells of a backend. */
export function backendIn(
  report: DataReport,
  service: string,
  backend: string,
): BackendReport | undefined {
  return serviceIn(report, service)?.backends.find(({ name }) => name === backend);
}

/** What a report tells of a service. */
export function serviceIn(report: DataReport, service: string): ServiceReport | undefined {
  return report.services.find(({ name }) => name === service);
}

function sum<T>(entries: readonly T[], of: (entry: T) => number | undefined): number {
  return entries.reduce((total, entry) => total + (of(entry) ?? 0), 0);
}
