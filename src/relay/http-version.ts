const PREFIX = 'HTTP/';
const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;

/** Bytes of `HTTP/1.1`. */
export const VERSION_BYTES = 8;

/** Ten times the major version plus the minor one (RFC 9112 §2.3), or -1 where it is none. */
export function versionAt(data: Uint8Array, at: number): number {
  for (let i = 0; i < PREFIX.length; i += 1) {
    if (data[at + i] !== PREFIX.charCodeAt(i)) return -1;
  }
  const major = data[at + 5]!;
  const minor = data[at + 7]!;
  if (!isDigit(major) || data[at + 6] !== DOT || !isDigit(minor)) return -1;
  return (major - ZERO) * 10 + (minor - ZERO);
}

function isDigit(octet: number): boolean {
  return octet >= ZERO && octet <= NINE;
}
