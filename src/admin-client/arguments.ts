import { UsageError } from '../errors.ts';
import { isWeight, MAX_WEIGHT } from '../memcached/decisions.ts';

/** Which backend. */
export interface Subject {
  readonly service: string;
  readonly backend: string;
}

/**
 * Reads `SERVICE/BACKEND`.
 * @throws UsageError
 */
export function readSubject(text: string): Subject {
  const at = text.indexOf('/');
  const [service, backend] = [text.slice(0, at), text.slice(at + 1)];
  if (at > 0 && backend !== '') return { service, backend };
  throw new UsageError(
    `"${text}" is no backend; write SERVICE/BACKEND, such as portal/10.0.0.11:80`,
  );
}

/**
 * Reads a weight, null for the configured one.
 * @throws UsageError
 */
export function readWeight(text: string): number | null {
  if (text === 'configured') return null;
  const weight = /^\d{1,3}$/.test(text) ? Number(text) : undefined;
  if (isWeight(weight)) return weight;
  throw new UsageError(
    `"${text}" is no weight; write a whole number from 0 to ${MAX_WEIGHT}, or configured`,
  );
}
