import { FORWARDING, HOP_BY_HOP } from '../policy/forwarded.ts';
import { ADDRESSES } from '../policy/response.ts';

/** What the relay makes of a field by its name. */
export const OTHER = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const UPGRADE = 5;
export const EXPECT = 6;
export const COOKIE = 7;
export const SET_COOKIE = 8;
/** An address for the browser to go to. */
export const ADDRESS = 9;
export const HSTS = 10;
/** Meant for the next hop only. */
export const HOP = 11;
/** Tells a backend who asks; from a client it counts for nothing. */
export const FORWARDED = 12;
export const REQUEST_ID = 13;

export type NameKind = number;

interface KnownName {
  /** Its octets, as `isName` folds those that it compares with them. */
  readonly folded: Uint8Array;
  readonly kind: NameKind;
  /** `_` stands for `-` too, for WSGI cannot tell them apart. */
  readonly loose: boolean;
}

const LONGEST_NAME = 32;
const LETTERS = 32;

/** The known names by length and first letter; at most three share a place. */
const PLACES: readonly (readonly KnownName[] | undefined)[] = placeNames(
  new Map([
    ...HOP_BY_HOP.map((name) => [name, HOP] as const),
    ...[...FORWARDING].map((name) => [name, FORWARDED] as const),
    ...ADDRESSES.map((name) => [name, ADDRESS] as const),
    ['host', HOST],
    ['content-length', CONTENT_LENGTH],
    ['transfer-encoding', TRANSFER_ENCODING],
    ['connection', CONNECTION],
    ['upgrade', UPGRADE],
    ['expect', EXPECT],
    ['cookie', COOKIE],
    ['set-cookie', SET_COOKIE],
    ['strict-transport-security', HSTS],
    ['x-request-id', REQUEST_ID],
  ]),
);

/** What the field name from `start` to `end`, a token, is to the relay. */
export function kindOfName(data: Uint8Array, start: number, end: number): NameKind {
  const length = end - start;
  if (length > LONGEST_NAME) return OTHER;
  const known = PLACES[placeOf(length, data[start]!)];
  if (known === undefined) return OTHER;
  for (const candidate of known) {
    if (isName(data, start, candidate)) return candidate.kind;
  }
  return OTHER;
}

function isName(data: Uint8Array, start: number, { folded, loose }: KnownName): boolean {
  for (let i = 0; i < folded.length; i += 1) {
    let octet = data[start + i]! | 0x20;
    if (loose && octet === 0x7f) octet = 0x2d;
    if (octet !== folded[i]) return false;
  }
  return true;
}

function placeOf(length: number, first: number): number {
  return length * LETTERS + (first & (LETTERS - 1));
}

function placeNames(names: ReadonlyMap<string, NameKind>) {
  const places = new Array<KnownName[] | undefined>((LONGEST_NAME + 1) * LETTERS).fill(undefined);
  for (const [name, kind] of names) {
    const place = placeOf(name.length, name.charCodeAt(0));
    const loose = kind === FORWARDED || kind === REQUEST_ID;
    const folded = Uint8Array.from(name, (letter) => letter.charCodeAt(0) | 0x20);
    places[place] = [...(places[place] ?? []), { folded, kind, loose }];
  }
  return places;
}
