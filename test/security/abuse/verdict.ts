import type { Attack } from './attack.ts';
import type { Findings } from './findings.ts';

/** Below this, in ms, a p99 is noise of the machine: it counts as this much. */
export const FLOOR_MS = 10;
/** How many times its quiet value the p99 of the other user may be. */
export const TIMES = 2;
/** How long after a deadline, or the end of the attack, the last connection may be gone, in s. */
export const GRACE_SECONDS = 4;
/** What of the memory may stay with a proxy after an attack: heaps that have grown once, in MiB. */
export const LEFT_MIB = 128;

/** What of the target Dashgate has missed; empty where it has met it. */
export function missed(attack: Attack, findings: Findings): string[] {
  const { quiet, during, failures, goneSeconds, memory, faults, held } = findings;
  const limit = TIMES * Math.max(quiet.p99, FLOOR_MS);
  // A deadline runs from when nothing moves any more: what goes into buffers at first does.
  const latest = (attack.deadline?.seconds ?? 0) + (attack.watchedAfter ?? 0) + GRACE_SECONDS;
  const most = memory.before + (held * attack.mostKiB) / 1_024 + LEFT_MIB;
  const found: [boolean, string][] = [
    [during.p99 > limit, `p99 ${ms(during.p99)} is above ${ms(limit)}`],
    [failures.length > 0, `${failures.length} requests of the other user failed: ${failures[0]}`],
    [goneSeconds === undefined, 'abusive connections were not ended'],
    [(goneSeconds ?? 0) > latest, `abusive connections were gone after ${goneSeconds} s only`],
    [memory.peak > most, `memory grew to ${mib(memory.peak)}, more than ${mib(most)}`],
    [
      memory.after > memory.before + LEFT_MIB,
      `memory is ${mib(memory.after)} afterwards; it was ${mib(memory.before)}`,
    ],
    [faults.length > 0, faults.join('; ')],
  ];
  return found.filter(([wrong]) => wrong).map(([, what]) => what);
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function mib(value: number): string {
  return `${Math.round(value)} MiB`;
}
