import type { Config } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { Finding, Observation, Report } from './finding.ts';
import type { RunningGateway } from './running-gateway.ts';

/** What checks look at. */
export interface Examination {
  readonly config: Config;
  /** Whether the name of a host was resolved, or is an address; what is not is asked nothing more. */
  readonly resolves: (host: string) => boolean;
  /** The gateway that runs on this host; undefined where none answers. */
  readonly gateway: Promise<RunningGateway | undefined>;
}

/** One thing to examine. It changes nothing, and shows nothing secret. */
export interface Check {
  readonly name: string;
  /** Tells what it finds; what it throws becomes a finding, too. */
  readonly run: (examination: Examination, report: Report) => Promise<void> | void;
}

/** The longest that a check may take, in ms. */
export const CHECK_MS = 5_000;

/** How long one peer may take, in ms: less than the whole check, which then still says so itself. */
export const PEER_MS = 4_500;

/** What a check finds within `deadlineMs`; never rejects. */
export async function runCheck(
  { name, run }: Check,
  examination: Examination,
  deadlineMs = CHECK_MS,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let over = false;
  const report: Report = (observation) => {
    if (!over) findings.push({ check: name, ...observation });
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      const detail = `it did not end within ${deadlineMs} ms`;
      const remedy = 'look whether this host and its name servers are overloaded, and try again';
      report({ severity: 'error', subject: 'the check itself', detail, remedy });
      resolve();
    }, deadlineMs);
  });
  try {
    await Promise.race([(async () => run(examination, report))(), late]);
  } catch (error) {
    const remedy = 'try again; where it stays, report it as a fault of Dashgate';
    report({ severity: 'error', subject: 'the check itself', detail: messageOf(error), remedy });
  }
  clearTimeout(timer);
  over = true;
  return findings;
}

/**
 * Examines several peers at once, and tells what was found in their order; after `PEER_MS`, in which
 * each should have ended, what there is.
 */
export async function examineEach<T, R>(
  peers: readonly T[],
  examine: (peer: T, report: Report) => Promise<R>,
  report: Report,
): Promise<R[]> {
  const told: Observation[][] = peers.map(() => []);
  let waiting = true;
  const all = Promise.all(
    peers.map((peer, index) =>
      examine(peer, (observation) => {
        if (waiting) told[index]!.push(observation);
        else report(observation);
      }),
    ),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PEER_MS);
  });
  try {
    await Promise.race([all, late]);
  } finally {
    clearTimeout(timer);
    waiting = false;
    for (const observation of told.flat()) report(observation);
  }
  return all;
}

/** Two parts of a message that is written `cause; remedy`. */
export function parted(message: string): { detail: string; remedy: string | undefined } {
  const at = message.lastIndexOf('; ');
  if (at === -1) return { detail: message, remedy: undefined };
  return { detail: message.slice(0, at), remedy: message.slice(at + 2) };
}
