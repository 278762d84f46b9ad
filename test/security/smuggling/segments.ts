import { readByLlhttp } from './llhttp-reader.ts';
import { readingsOf } from './readings.ts';
import type { Segment } from './recording-backend.ts';

/** Why bytes can be read in two ways. */
export type Fault = string;

/** Where readers disagree with the proxy, or with each other, on what it sent to the backend. */
export async function faultsOfSegments(segments: readonly Segment[]): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const segment of segments) {
    faults.push(...faultsOfSegment(segment), ...(await faultsByLlhttp(segment)));
  }
  return faults;
}

/** Who reads a segment at all has to read one message that ends with it, and all the same one. */
export function faultsOfSegment({ bytes, target }: Segment): Fault[] {
  const faults: Fault[] = [];
  const meanings = new Map<string, string>();
  for (const [reader, reading] of readingsOf(bytes, { kind: 'request' })) {
    if (reading.outcome === 'waits' && target !== undefined) {
      faults.push(`waits for more (${reader})`);
    }
    if (reading.outcome !== 'reads') continue;
    if (reading.end !== bytes.length) {
      faults.push(`ends ${bytes.length - reading.end} bytes early (${reader})`);
    }
    if (!reading.sealed) faults.push(`has no mark of the proxy (${reader})`);
    if (!meanings.has(reading.what)) meanings.set(reading.what, reader);
  }
  if (meanings.size > 1) faults.push(`is ${described(meanings)}`);
  if (switches(bytes)) faults.push('lets the backend change to HTTP/2 or another protocol');
  return faults;
}

async function faultsByLlhttp({ bytes, target, rejected }: Segment): Promise<Fault[]> {
  if (rejected) return [];
  const { whole, begun, refused } = await readByLlhttp(bytes);
  if (begun > 1) return ['is several messages (llhttp)'];
  if (refused && whole === 0) return [];
  if (whole === 1 && refused) return ['ends early (llhttp)'];
  if (whole === 0 && target !== undefined) return ['waits for more (llhttp)'];
  return whole === 1 && target === undefined ? ['is whole (llhttp)'] : [];
}

/** Anything but a websocket that a backend may agree to makes of what follows what the proxy cannot know. */
function switches(bytes: string): boolean {
  const head = bytes.slice(0, bytes.indexOf('\r\n\r\n'));
  const upgrade = /^upgrade:[ \t]*(.*?)[ \t]*$/im.exec(head)?.[1];
  const named = /^connection:.*upgrade/im.test(head);
  return named && upgrade !== undefined && !/^(websocket)?$/i.test(upgrade);
}

function described(meanings: ReadonlyMap<string, string>): string {
  return [...meanings].map(([what, reader]) => `${JSON.stringify(what)} (${reader})`).join(' or ');
}
