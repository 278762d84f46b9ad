import type { HeadLimits } from '../../../src/relay/head.ts';
import type { Outcome } from '../../support/relay-outcomes.ts';
import { Finding } from '../engine/target.ts';

/** A head as `support/relay-outcomes.ts` describes it. */
export interface DescribedHead {
  readonly text: string;
  readonly minor: number;
  readonly bodyLength: number;
  readonly upgrade: string;
  readonly keepAlive: boolean;
  /** Of each line its kind, name and value. */
  readonly fields: readonly (readonly [number, string, string])[];
}

/** The head among the outcomes; undefined where there is none. */
export function headOf<T extends DescribedHead>(outcome: Outcome): T | undefined {
  return 'fields' in outcome ? (outcome as unknown as T) : undefined;
}

/** Names and values in turn, as Node has them. */
export function rawFields({ fields }: DescribedHead): string[] {
  return fields.flatMap(([, name, value]) => [name, value]);
}

/**
 * What is said of an outcome that is no head; a head that is longer than it may be, or waited for longer,
 * is a finding.
 */
export function checkBounds(input: Buffer, outcome: Outcome, limits: HeadLimits): void {
  const head = headOf(outcome);
  if (head && head.text.length > limits.headBytes) throw new Finding('the head is too large');
  if ('idle' in outcome && input.length > limits.headBytes) {
    throw new Finding('a head without bounds is waited for');
  }
}

/** A few words on an outcome: the refusal, or what kind of head it is. */
export function inAWord(outcome: Outcome): string {
  const head = headOf(outcome);
  if (!head) return 'reason' in outcome ? String(outcome.reason) : `waits ${outcome.idle}`;
  const length = head.bodyLength > 0 ? 'some' : head.bodyLength;
  const kinds = new Set(head.fields.map(([kind]) => kind));
  const lines = [...kinds].sort().join();
  return `${head.minor} ${length} ${head.keepAlive} ${head.upgrade !== ''} ${lines}`;
}
