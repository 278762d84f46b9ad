import { isGatewayName } from './roster.ts';

/** What the operator wants of a backend. */
export interface Decision {
  readonly state: 'ready' | 'drain' | 'maint';
  /** Its weight, 0 to 256; null for the one that is configured. */
  readonly weight: number | null;
}

/** A decision as gateways share it. */
export interface SharedDecision extends Decision {
  /** Grows by one with each decision on the backend. */
  readonly version: number;
  /** Name of the gateway on which it was made. */
  readonly by: string;
}

/** The decisions that are known, by the subject that {@link subjectOf} gives. */
export type Decisions = ReadonlyMap<string, SharedDecision>;

/** Of decisions that were made at the same time the more cautious one stands. */
const CAUTION: { readonly [S in Decision['state']]: number } = { ready: 0, drain: 1, maint: 2 };
const FORMAT = 1;
/** Bounds what a foreign document can make a gateway keep. */
const MAX_DECISIONS = 4_096;
const SUBJECT = /^[!-~]{1,512}$/;
export const MAX_WEIGHT = 256;

/** What a decision is about. Names of services have no slash. */
export function subjectOf(service: string, backend: string): string {
  return `${service}/${backend}`;
}

/** The decisions with one more. */
export function decided(
  decisions: Decisions,
  subject: string,
  { state, weight }: Decision,
  by: string,
): Decisions {
  const version = (decisions.get(subject)?.version ?? 0) + 1;
  return new Map(decisions).set(subject, { version, state, weight, by });
}

/**
 * The least that says what both say: of each backend the later decision, and of equally late ones
 * the more cautious. Commutative, associative and idempotent, so that gateways which merge in any
 * order agree. `a` itself where it says it all.
 */
export function mergeDecisions(a: Decisions, b: Decisions): Decisions {
  let merged: Map<string, SharedDecision> | undefined;
  for (const [subject, theirs] of b) {
    const ours = a.get(subject);
    if (ours !== undefined && compare(ours, theirs) >= 0) continue;
    merged ??= new Map(a);
    merged.set(subject, theirs);
  }
  return merged ?? a;
}

/** How far a version may be beyond the one that is known: so many decisions nobody makes. */
const MAX_AHEAD = 1_000_000;
/** Most that is learned of backends that are not one's own; the document of so many still fits an item. */
const MAX_STRANGE = 1_024;

/**
 * What of a foreign document may be taken in. One node could otherwise show a version after which there
 * is none, or ever more backends, so that no operator's decision would be shared any more.
 * @param own The subjects of this gateway's own backends.
 */
export function credibleDecisions(
  known: Decisions,
  found: Decisions,
  own: ReadonlySet<string>,
): Decisions {
  let strange = 0;
  for (const subject of known.keys()) if (!own.has(subject)) strange += 1;
  const credible = [...found].filter(([subject, { version }]) => {
    const ours = known.get(subject);
    if (version > (ours?.version ?? 0) + MAX_AHEAD) return false;
    if (ours || own.has(subject)) return true;
    strange += 1;
    return strange <= MAX_STRANGE;
  });
  return credible.length === found.size ? found : new Map(credible);
}

/** Whether `a` says all that `b` says. */
export function coversDecisions(a: Decisions, b: Decisions): boolean {
  return mergeDecisions(a, b) === a;
}

/** The document of decisions, as it is kept on every node. */
export function encodeDecisions(decisions: Decisions): Buffer {
  const rows = [...decisions].map(([subject, { version, state, weight, by }]) => [
    subject,
    version,
    state,
    weight,
    by,
  ]);
  return Buffer.from(JSON.stringify({ dashgate: FORMAT, decisions: rows }));
}

/** The decisions of a document; undefined for what is none. */
export function decodeDecisions(document: Buffer): Decisions | undefined {
  try {
    const { dashgate, decisions } = JSON.parse(document.toString());
    if (dashgate !== FORMAT || !Array.isArray(decisions) || decisions.length > MAX_DECISIONS) {
      return undefined;
    }
    const entries = decisions.map(decodeRow);
    return entries.every((entry) => entry !== undefined) ? new Map(entries) : undefined;
  } catch {
    return undefined;
  }
}

function decodeRow(row: unknown): [string, SharedDecision] | undefined {
  if (!Array.isArray(row)) return undefined;
  const [subject, version, state, weight, by] = row;
  if (!isSubject(subject) || !isGatewayName(by) || typeof state !== 'string') return undefined;
  if (!Object.hasOwn(CAUTION, state) || !Number.isSafeInteger(version) || version < 1) {
    return undefined;
  }
  if (weight !== null && !isWeight(weight)) return undefined;
  return [subject, { version, state: state as Decision['state'], weight, by }];
}

/** It is shown to operators, on pages and terminals: nothing that either could take for more than text. */
function isSubject(subject: unknown): subject is string {
  return typeof subject === 'string' && SUBJECT.test(subject);
}

export function isWeight(weight: unknown): weight is number {
  return Number.isInteger(weight) && (weight as number) >= 0 && (weight as number) <= MAX_WEIGHT;
}

/** Above 0 where `a` stands, below where `b` does, 0 where they are the same. */
function compare(a: SharedDecision, b: SharedDecision): number {
  return (
    a.version - b.version ||
    CAUTION[a.state] - CAUTION[b.state] ||
    // A weight that was set stands before the configured one, a smaller before a greater.
    (b.weight ?? Infinity) - (a.weight ?? Infinity) ||
    (a.by < b.by ? -1 : Number(a.by > b.by))
  );
}
