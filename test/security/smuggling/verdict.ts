import { readAnswer } from './answers.ts';
import type { HostileMessage } from './hostile-message.ts';
import type { Observation } from './lane.ts';
import { answerName, isOfTheStage } from './recording-backend.ts';
import { type Fault, faultsOfSegments } from './segments.ts';

export const OUTCOMES = ['refused', 'normalised', 'verbatim', 'ambiguous'] as const;
/**
 * What became of a message: nothing whole of it went on; it went on changed; it went on as it was,
 * and nobody can read it in two ways; somebody can.
 */
export type Outcome = (typeof OUTCOMES)[number];

export interface Verdict {
  readonly outcome: Outcome;
  /** Why it is ambiguous, one line for each reason. */
  readonly faults: readonly Fault[];
}

/** What the observation shows, computed from the bytes alone. */
export async function judge(message: HostileMessage, seen: Observation): Promise<Verdict> {
  const faults = [...(await faultsOfSegments(seen.segments)), ...faultsOfOther(seen)];
  if (message.from === 'client') {
    faults.push(...faultsOfAnswers(seen));
    const passed = seen.segments.filter(
      ({ target, rejected }) => rejected || (target !== undefined && !isOfTheStage(target)),
    );
    const went = passed.map(({ bytes }) => bytes).join('');
    return verdict(faults, went === '' ? undefined : went, message.bytes);
  }
  const { faults: more, passed } = readAnswer(message, seen);
  return verdict([...faults, ...more], passed, message.bytes);
}

function verdict(faults: readonly Fault[], went: string | undefined, sent: string): Verdict {
  if (faults.length > 0) return { outcome: 'ambiguous', faults: [...new Set(faults)] };
  if (went === undefined) return { outcome: 'refused', faults };
  const lines = went.toLowerCase().split('\n');
  const same = sent
    .toLowerCase()
    .split('\n')
    .every((line) => lines.includes(line));
  return { outcome: same ? 'verbatim' : 'normalised', faults };
}

/** Each answer that the backend gave has to be one that the proxy took for an answer, in order. */
function faultsOfAnswers({ segments, answered, other }: Observation): Fault[] {
  const given = segments
    .map(({ target }) => target)
    .filter((target) => target !== undefined && target !== other)
    .map((target) => answerName(target ?? ''));
  const taken = [...answered.matchAll(/x-answers: (\S+)/gi)].map(([, name]) => name);
  // HTTP/0.9 has no heads.
  if (given.join(' ') === taken.join(' ') || given.join('') === answered) return [];
  return [`the backend answered ${list(given)}, and the client got ${list(taken)}`];
}

/** Another client gets its own answer and no more. */
function faultsOfOther({ other, otherAnswered }: Observation): Fault[] {
  const names = [...otherAnswered.matchAll(/x-answers: (\S+)/gi)].map(([, name]) => name);
  if (names.join(' ') === other && otherAnswered.endsWith(other)) return [];
  return [
    `another client that asked for ${other} got ${JSON.stringify(otherAnswered.slice(0, 160))}`,
  ];
}

function list(names: readonly (string | undefined)[]): string {
  return names.length === 0 ? 'nothing' : names.join(' and ');
}
