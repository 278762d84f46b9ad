import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PATH_WITH_SERVERS } from '../../support/children.ts';
import type { Outcome, Session } from './workload.ts';

const REPORT = new URL('wrk-report.lua', import.meta.url).pathname;
const CONNECTIONS = 64;
/** More than any proxy adds to the head of an answer. */
const HEAD_BYTES = 1_024;

interface WrkReport {
  readonly requests: number;
  readonly bytes: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** GETs over 64 keep-alive connections by wrk, which inherits the load's core. */
export function wrkSession(url: string, bodyBytes: number): Session {
  return {
    run: async (seconds) => outcome(await wrk([], url, seconds), bodyBytes),
    close: async () => {},
  };
}

/** As much from each of these cores, at once. */
export function wrkOnCores(url: string, bodyBytes: number, cores: readonly number[]): Session {
  return {
    run: async (seconds) => {
      const reports = await Promise.all(
        cores.map((core) => wrk(['taskset', '-c', String(core)], url, seconds)),
      );
      const outcomes = reports.map((report) => outcome(report, bodyBytes));
      const worst = (time: 'p50Ms' | 'p99Ms') => Math.max(...outcomes.map((one) => one[time] ?? 0));
      return {
        units: outcomes.reduce((sum, { units }) => sum + units, 0),
        seconds: Math.max(...outcomes.map((one) => one.seconds)),
        p50Ms: worst('p50Ms'),
        p99Ms: worst('p99Ms'),
        failures: outcomes.flatMap(({ failures }) => failures),
      };
    },
    close: async () => {},
  };
}

async function wrk(pin: readonly string[], url: string, seconds: number): Promise<string> {
  // wrk knows whole seconds only.
  const duration = Math.max(1, Math.round(seconds));
  const load = ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${duration}s`, '--latency', '-s', REPORT, url];
  const [program, ...args] = [...pin, ...load];
  const { stdout } = await promisify(execFile)(program!, args, {
    env: { PATH: PATH_WITH_SERVERS },
    timeout: (duration + 15) * 1_000,
    killSignal: 'SIGKILL',
  });
  return stdout;
}

function outcome(stdout: string, bodyBytes: number): Outcome {
  const text = /^REPORT (.*)$/m.exec(stdout)?.[1];
  if (text === undefined) throw new Error(`wrk gave no report: ${stdout.slice(-500)}`);
  const report = JSON.parse(text) as WrkReport;
  return {
    units: report.requests,
    seconds: report.durationUs / 1e6,
    p50Ms: report.p50Us / 1e3,
    p99Ms: report.p99Us / 1e3,
    failures: [...failuresIn(report.errors), ...wrongBytes(report, bodyBytes)],
  };
}

function failuresIn(errors: WrkReport['errors']): string[] {
  return Object.entries(errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} requests failed (wrk: ${kind})`);
}

/** The bytes have to fit the answers, of which each connection may have had one more in part. */
function wrongBytes({ requests, bytes }: WrkReport, bodyBytes: number): string[] {
  const least = requests * bodyBytes;
  const most = (requests + CONNECTIONS) * (bodyBytes + HEAD_BYTES);
  if (requests > 0 && bytes >= least && bytes <= most) return [];
  return [`${bytes} bytes came for ${requests} answers; ${least} to ${most} were right`];
}
