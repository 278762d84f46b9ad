import type { X509Certificate } from 'node:crypto';
import type { Observation } from './finding.ts';

const DAY_MS = 24 * 3_600_000;
/** How long before its end a certificate is warned of, in days. */
const WARNING_DAYS = 30;

/** How long a certificate is good yet, or what is wrong with the time that it is good for. */
export function validityOf(
  certificate: Pick<X509Certificate, 'validFromDate' | 'validToDate'>,
  now: number,
): Pick<Observation, 'severity' | 'detail' | 'remedy'> {
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  if (to <= now) {
    const detail = `it has expired on ${dayOf(to)}, ${daysBetween(to, now)} days ago`;
    return { severity: 'error', detail, remedy: 'renew it' };
  }
  if (from > now) {
    const detail = `it is valid only from ${new Date(from).toISOString()} on`;
    return { severity: 'error', detail, remedy: 'set the clocks right, or have it issued anew' };
  }
  const left = daysBetween(now, to);
  const detail = `it is valid until ${dayOf(to)}, ${left} days from now`;
  if (left > WARNING_DAYS) return { severity: 'ok', detail };
  return { severity: 'warning', detail, remedy: 'renew it' };
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function daysBetween(from: number, to: number): number {
  return Math.floor((to - from) / DAY_MS);
}
