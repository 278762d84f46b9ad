import { PickleError } from './pickle-values.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes UTF-8 in which lone surrogates may stand, as Python's `surrogatepass` writes them.
 * Two lone surrogates side by side become one character: JavaScript cannot tell them apart.
 * @throws PickleError on anything else that is not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return decodeWithSurrogates(bytes);
  }
}

/** Decodes the name of a class or function, in which Python has no lone surrogates. @throws PickleError */
export function decodeName(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new PickleError('the name of a class or function is not UTF-8');
  }
}

function decodeWithSurrogates(bytes: Uint8Array): string {
  const parts: string[] = [];
  let start = 0;
  try {
    for (let i = bytes.indexOf(0xed); i !== -1; i = bytes.indexOf(0xed, i + 1)) {
      const [second = 0, third = 0] = bytes.subarray(i + 1, i + 3);
      if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue;
      parts.push(strictUtf8.decode(bytes.subarray(start, i)));
      parts.push(String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f)));
      start = i + 3;
    }
    parts.push(strictUtf8.decode(bytes.subarray(start)));
  } catch {
    throw new PickleError('a string is not UTF-8');
  }
  return parts.join('');
}

/** Encodes as UTF-8, a lone surrogate as its three bytes (Python's `surrogatepass`). */
export function encodeUtf8(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const parts = text.split(/([\uD800-\uDFFF])/u).map((part) => {
    const code = part.charCodeAt(0);
    if (part.length !== 1 || code < 0xd800 || code > 0xdfff) return Buffer.from(part, 'utf8');
    return Buffer.from([0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
  });
  return Buffer.concat(parts);
}

/**
 * Decodes Python's `raw-unicode-escape` (the UNICODE opcode): Latin-1 with `\uXXXX`, `\UXXXXXXXX`.
 * @throws PickleError where an escape is cut short or beyond U+10FFFF
 */
export function decodeRawUnicodeEscape(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|[\s\S])/g, (all, four, eight) => {
      const hex = all[1] === 'u' ? four : all[1] === 'U' ? eight : undefined;
      if (hex === undefined) {
        if (all[1] === 'u' || all[1] === 'U') throw new PickleError('a \\u escape is cut short');
        return all;
      }
      const code = Number.parseInt(hex, 16);
      if (code > 0x10ffff) throw new PickleError('a \\U escape is beyond U+10FFFF');
      return String.fromCodePoint(code);
    });
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
};

/**
 * Decodes the quoted text of the STRING opcode: the `repr` of a str of Python 2, which Python 3
 * reads as ASCII.
 * @throws PickleError where the quotes do not match or a character is not ASCII
 */
export function decodeQuoted(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) {
    throw new PickleError('a string is not quoted');
  }
  const plain = text
    .slice(1, -1)
    .replace(/\\(?:x([\da-fA-F]{2})|([0-7]{1,3})|([\s\S]?))/g, (all, hex, octal, other) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      if (other === '' || other === 'x') throw new PickleError('an escape is cut short');
      return SIMPLE_ESCAPES[other] ?? all;
    });
  return asAscii(plain);
}

/** Decodes the bytes of a str of Python 2, which Python 3 reads as ASCII. */
export function decodeAscii(bytes: Buffer): string {
  return asAscii(bytes.toString('latin1'));
}

function asAscii(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is the range of ASCII
  if (!/^[\x00-\x7f]*$/.test(text)) throw new PickleError('a str of Python 2 is not ASCII');
  return text;
}
