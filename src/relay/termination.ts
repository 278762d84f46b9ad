import type { GatewayError } from '../errors.ts';
import { ConnectTimeoutError, HandshakeError } from '../upstream/failure.ts';
import { HeadError } from './head.ts';

/**
 * How far a request has come, by HAProxy's letters: its head or who may have it is waited for, a backend
 * with room, a connection, the head of the answer, or the rest of it.
 */
export type Phase = 'R' | 'Q' | 'C' | 'H' | 'D';

/**
 * How a request or a tunnel ended, as HAProxy writes it (configuration manual, §8.5): who or what ended
 * it, and in which phase.
 */
export type Termination =
  | '--'
  | 'LR'
  | 'RC'
  | 'KD'
  | `${'C' | 'c' | 'S' | 's' | 'P' | 'I'}${Phase}`;

/** The termination of a request that failed in that phase. */
export function terminationOf(failure: GatewayError, phase: Phase): Termination {
  const { kind, cause } = failure;
  switch (kind) {
    case 'requestTimeout':
      return `c${phase}`;
    case 'queueTimeout':
      return 'sQ';
    case 'noBackend':
      return cause instanceof ConnectTimeoutError ? 'sC' : 'SC';
    case 'upstreamTimeout':
      return `s${phase}`;
    case 'badGateway':
      if (cause instanceof HandshakeError) return 'SC';
      return cause === undefined || cause instanceof HeadError ? `P${phase}` : `S${phase}`;
    case 'overloaded':
      return 'RC';
    case 'internal':
      return `I${phase}`;
    default:
      return 'PR';
  }
}

/** The cause in a word, for who does not know HAProxy's letters; undefined where all went well. */
export function causeOf(termination: Termination): string | undefined {
  switch (termination[0]) {
    case 'C':
      return 'clientAbort';
    case 'c':
      return 'clientTimeout';
    case 'S':
      return termination === 'SC' ? 'noServer' : 'serverAbort';
    case 's':
      return TIMEOUTS[termination] ?? 'serverTimeout';
    case 'P':
      return termination === 'PR' ? 'refused' : 'badAnswer';
    case 'R':
      return 'outOfResources';
    case 'I':
      return 'internal';
    case 'K':
      return 'endedByGateway';
    default:
      return undefined;
  }
}

const TIMEOUTS: Readonly<Record<string, string>> = { sQ: 'queueTimeout', sC: 'connectTimeout' };
