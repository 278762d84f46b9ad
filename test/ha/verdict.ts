import type { Row } from './table.ts';
import { median } from './table.ts';

/**
 * What speaks against Dashgate. A gap may be longer than the other's by the noise: a kill is seen at the
 * next look of the cluster, which may be a whole `pauseMs` away for one and at once for the other, and
 * trials differ by what the host does meanwhile, as the other's own trials show.
 */
export function complaints(rows: readonly Row[], pauseMs: number): string[] {
  const found: string[] = [];
  for (const { fault, peer, trials } of rows.filter(({ peer }) => peer === 'dashgate')) {
    const loggedOut = trials.reduce((total, trial) => total + trial.loggedOut, 0);
    if (loggedOut > 0) found.push(`${fault}: ${loggedOut} users of ${peer} were logged out`);
    const gap = median(trials.map(({ gapMs }) => gapMs));
    if (gap === Number.POSITIVE_INFINITY) found.push(`${fault}: ${peer} did not come back`);
    for (const other of rows.filter((row) => row.fault === fault && row.peer !== peer)) {
      const gaps = other.trials.map(({ gapMs }) => gapMs);
      if (!gaps.every(Number.isFinite)) continue;
      const noise = pauseMs + Math.max(...gaps) - Math.min(...gaps);
      if (gap <= median(gaps) + noise) continue;
      found.push(
        `${fault}: the gap of ${peer} (${gap} ms) is longer than that of ${other.peer} (${median(gaps)} ms) by more than ${noise} ms`,
      );
    }
  }
  return found;
}
