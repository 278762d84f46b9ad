import { type ChildProcess, execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PATH_WITH_SERVERS } from '../../support/children.ts';
import type { Outcome, Session, SteadyLoad } from './workload.ts';

const REPORT = new URL('wrk-report.lua', import.meta.url).pathname;
const CONNECTIONS = 64;
/** More than a load is paused; wrk takes what came later for a failure. */
const TIMEOUT_SECONDS = 10;
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

/** GETs by wrk over 64 keep-alive connections from each of these cores; undefined: that of the bench. */
export function wrkSession(
  url: string,
  bodyBytes: number,
  cores: readonly (number | undefined)[],
): Session {
  return {
    run: async (seconds) => {
      const loads = cores.map((core) => wrk(url, seconds, core));
      return outcomeOf(loads, bodyBytes);
    },
    close: async () => {},
  };
}

/** The same as a load that can be paused. */
export function steadyWrk(
  url: string,
  bodyBytes: number,
  cores: readonly (number | undefined)[],
  mostSeconds: number,
): SteadyLoad {
  const loads = cores.map((core) => wrk(url, mostSeconds, core));
  const signal = (name: NodeJS.Signals) => {
    for (const { child } of loads) child.kill(name);
  };
  // What came of one that is killed nobody wants to know.
  for (const { report } of loads) report.catch(() => {});
  signal('SIGSTOP');
  return {
    resume: () => signal('SIGCONT'),
    pause: () => signal('SIGSTOP'),
    finish: async () => {
      signal('SIGCONT');
      // The kernel may give a signal to the thread that works, which ends; the one that waits sleeps on.
      const again = setInterval(() => signal('SIGINT'), 20);
      try {
        const { units, failures } = await outcomeOf(loads, bodyBytes);
        // Latencies have the pauses in them.
        return { units, failures };
      } finally {
        clearInterval(again);
      }
    },
    kill: () => signal('SIGKILL'),
  };
}

/** Of loads that run at the same time. */
async function outcomeOf(loads: readonly Wrk[], bodyBytes: number): Promise<Outcome> {
  const reports = await Promise.all(loads.map(({ report }) => report));
  const outcomes = reports.map((report) => outcome(report, bodyBytes));
  const worst = (time: 'p50Ms' | 'p99Ms') => Math.max(...outcomes.map((one) => one[time] ?? 0));
  return {
    units: outcomes.reduce((total, { units }) => total + units, 0),
    seconds: Math.max(...outcomes.map((one) => one.seconds)),
    p50Ms: worst('p50Ms'),
    p99Ms: worst('p99Ms'),
    failures: outcomes.flatMap(({ failures }) => failures),
  };
}

interface Wrk {
  readonly child: ChildProcess;
  /** What it printed; rejects where it failed. */
  readonly report: Promise<string>;
}

function wrk(url: string, seconds: number, core?: number): Wrk {
  // wrk knows whole seconds only.
  const duration = Math.max(1, Math.round(seconds));
  const pin = core === undefined ? [] : ['taskset', '-c', String(core)];
  // One that is paused would outlive a bench that is killed.
  const bound = ['setpriv', '--pdeathsig', 'KILL', '--'];
  const load = [
    'wrk',
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${duration}s`,
    `--timeout=${TIMEOUT_SECONDS}s`,
  ];
  const [program, ...args] = [...bound, ...pin, ...load, '--latency', '-s', REPORT, url];
  const running = promisify(execFile)(program!, args, {
    env: { PATH: PATH_WITH_SERVERS },
    timeout: (duration + 15) * 1_000,
    killSignal: 'SIGKILL',
  });
  return { child: running.child, report: running.then(({ stdout }) => stdout) };
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
