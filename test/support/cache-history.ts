/** One command of a client, as its client saw it. */
export interface Operation {
  readonly kind: 'get' | 'set' | 'add' | 'delete';
  readonly key: string;
  readonly start: number;
  end: number;
  /** What was to be stored, or what was read; undefined for a miss. */
  value: string | undefined;
  /** `failed`: an error was the answer, and nothing is known. */
  outcome: 'open' | 'done' | 'refused' | 'failed';
  error?: unknown;
}

/** What a history shows that may not be, in words. */
export interface Faults {
  /** A value that was read after it had been deleted or replaced. */
  readonly stale: string[];
  /** A value that was stored, never deleted, and not found. */
  readonly lost: string[];
  /** Commands that took longer than allowed, or failed. */
  readonly slow: string[];
  readonly failed: string[];
}

export const MAX_MS = 500;

/**
 * Judges a history by what each client saw. A value is stale where a write or delete that began
 * after the value's own had been acknowledged was itself acknowledged before the read began. A
 * value is lost where it was acknowledged before the read began, and every delete of its key was
 * over before it was stored. An `add` that the first owner took and that was withdrawn, because
 * another owner turned out to have the item, may be seen while it lasts.
 */
export function judge(operations: readonly Operation[], maxMs = MAX_MS): Faults {
  const faults: Faults = { stale: [], lost: [], slow: [], failed: [] };
  const byKey = Map.groupBy(operations, ({ key }) => key);
  for (const [key, all] of byKey) {
    const writes = all.filter((one) => one.kind !== 'get' && one.outcome !== 'refused');
    const acknowledged = writes.filter(({ outcome }) => outcome === 'done');
    for (const read of all) {
      if (read.kind !== 'get' || read.outcome !== 'done') continue;
      if (read.value === undefined) {
        const lost = acknowledged.find(
          (one) =>
            one.kind !== 'delete' &&
            one.end < read.start &&
            writes.every((other) => other.kind !== 'delete' || other.end < one.start),
        );
        if (lost !== undefined) faults.lost.push(`${key}: ${tell(lost)} but ${tell(read)}`);
        continue;
      }
      const source = all.find(
        ({ kind, value, outcome, end }) =>
          (kind === 'set' || kind === 'add') &&
          value === read.value &&
          (outcome !== 'refused' || end > read.start),
      );
      if (source === undefined) {
        faults.stale.push(`${key}: ${tell(read)} was never written`);
        continue;
      }
      if (source.outcome !== 'done') continue;
      const later = acknowledged.find((one) => one.start > source.end && one.end < read.start);
      if (later !== undefined) {
        faults.stale.push(`${key}: ${tell(source)}, ${tell(later)} but ${tell(read)}`);
      }
    }
  }
  for (const operation of operations) {
    const { outcome, start, end, key } = operation;
    if (outcome === 'failed') faults.failed.push(`${key}: ${tell(operation)}: ${operation.error}`);
    else if (end - start > maxMs) faults.slow.push(`${key}: ${tell(operation)}`);
  }
  return faults;
}

function tell({ kind, value, start, end }: Operation): string {
  return `${kind} ${value ?? '(nothing)'} at ${start.toFixed(1)}..${end.toFixed(1)}`;
}
