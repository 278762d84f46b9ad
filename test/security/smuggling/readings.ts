import { Deviation } from '../../conformance/bell.ts';
import { readMessage, values } from '../../conformance/message.ts';
import { READERS } from './dials.ts';
import { type Reading, type ReadOptions, readLeniently } from './lenient-reader.ts';

/** A reader and what it made of the bytes. */
export type NamedReading = readonly [reader: string, reading: Reading];

/** What every reader makes of the front of `text`, the one that follows the letter first. */
export function readingsOf(text: string, options: ReadOptions): NamedReading[] {
  return [
    ['RFC 9112 to the letter', readStrictly(text, options)],
    ...Object.entries(READERS).map(
      ([name, dials]) => [name, readLeniently(text, dials, options)] as const,
    ),
  ];
}

/** With the reader of the conformance suite, which rejects whatever is not sound. */
function readStrictly(text: string, { kind, method, over = false }: ReadOptions): Reading {
  try {
    const read = readMessage(text, kind, {
      over: over ? 'ended' : 'open',
      bodiless: method === 'HEAD',
    });
    if (!read?.message.complete) return { outcome: 'waits' };
    const { message, length } = read;
    const [verb = '', target = ''] = message.startLine.split(' ');
    const host = values(message, 'host').join().toLowerCase();
    return {
      outcome: 'reads',
      end: length,
      what: kind === 'request' ? `${verb} ${target} ${host}` : `${message.status}`,
      method: verb,
      target,
      status: message.status,
      sealed: values(message, 'x-forwarded-for').some((value) => value.includes('127.0.0.1')),
    };
  } catch (error) {
    if (error instanceof Deviation) return { outcome: 'rejects' };
    throw error;
  }
}
