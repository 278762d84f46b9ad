import { type Dials, READERS } from './dials.ts';
import type { HostileMessage } from './hostile-message.ts';
import type { Observation } from './lane.ts';
import { readLeniently } from './lenient-reader.ts';
import type { Fault } from './segments.ts';

/** What clients can make of what the proxy passed on of a hostile answer. */
export interface AnswerReading {
  readonly faults: readonly Fault[];
  /** What went on of it; undefined: the client was told that there is none, or that it broke off. */
  readonly passed: string | undefined;
}

/**
 * Looks at what the client got up to the answer to its second request, which the backend made and
 * nobody could guess: every client that reads it has to find one answer there, and find its end there.
 */
export function readAnswer(
  { request = '' }: HostileMessage,
  { answered, ended, probe }: Observation,
): AnswerReading {
  const method = request.split(' ', 1)[0] || 'GET';
  const mark = answered.search(new RegExp(`^x-answers: ${probe}\\r$`, 'im'));
  const until = mark < 0 ? answered.length : answered.lastIndexOf('HTTP/1.1 200', mark);
  const region = answered.slice(0, until);
  const faults: Fault[] = [];
  const meanings = new Set<string>();
  let whole = 0;
  for (const [reader, dials] of Object.entries(READERS)) {
    const finals = readFinal(region, method, dials, ended && mark < 0);
    if (finals.outcome === 'rejects') continue;
    if (finals.outcome === 'waits') {
      if (mark >= 0) faults.push(`the answer has no end (${reader})`);
      continue;
    }
    whole += 1;
    meanings.add(finals.what);
    if (finals.end !== region.length) {
      faults.push(`the answer ends ${region.length - finals.end} bytes early (${reader})`);
    }
  }
  if (meanings.size > 1) faults.push(`the answer is ${[...meanings].join(' or ')}`);
  const refused = whole === 0 || /^HTTP\/1\.1 50[0-4] /.test(region);
  return { faults, passed: refused ? undefined : region };
}

type Final =
  | { readonly outcome: 'rejects' }
  | { readonly outcome: 'waits' }
  | { readonly outcome: 'reads'; readonly end: number; readonly what: string };

/** The final answer with the interim ones before it. */
function readFinal(text: string, method: string, dials: Dials, over: boolean): Final {
  let at = 0;
  let what = '';
  for (;;) {
    const reading = readLeniently(text.slice(at), dials, { kind: 'response', method, over });
    if (reading.outcome !== 'reads') return reading;
    at += reading.end;
    what += `${reading.status} `;
    if (reading.status >= 200) return { outcome: 'reads', end: at, what };
    // What follows a switch of protocols has no form.
    if (reading.status === 101) return { outcome: 'reads', end: text.length, what };
  }
}
