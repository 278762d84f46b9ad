import { HeadError } from './head.ts';
import type { StartLine } from './head-scanner.ts';
import { VERSION_BYTES, versionAt } from './http-version.ts';
import { LINE_TEXT, SP, skip, TARGET, TOKEN } from './octets.ts';

/** Where the parts of a request line lie: method SP target SP version (RFC 9112 §3). */
export class RequestLine implements StartLine {
  readonly octets = LINE_TEXT;
  // RFC 9112 §2.2 asks for one at least; old clients send one after the body of a POST.
  readonly emptyLines = 4;
  start = 0;
  methodEnd = 0;
  targetEnd = 0;
  minor: 0 | 1 = 1;

  read(data: Uint8Array, start: number, end: number): void {
    if (start === end) throw new HeadError(400, 'the request line is empty');
    const methodEnd = skip(data, start, end, TOKEN);
    if (methodEnd === start || data[methodEnd] !== SP) {
      throw new HeadError(400, 'the method is not a token');
    }
    const targetEnd = skip(data, methodEnd + 1, end, TARGET);
    if (targetEnd === methodEnd + 1) throw new HeadError(400, 'the target is empty');
    if (targetEnd === end) throw new HeadError(400, 'the request line has no version: HTTP/0.9');
    if (data[targetEnd] !== SP) throw new HeadError(400, 'the target has a forbidden character');
    const version = end - targetEnd === 1 + VERSION_BYTES ? versionAt(data, targetEnd + 1) : -1;
    if (version < 10) throw new HeadError(400, 'the version of the request line is none of HTTP');
    if (version > 19) throw new HeadError(505, 'the version is not HTTP/1');
    this.start = start;
    this.methodEnd = methodEnd;
    this.targetEnd = targetEnd;
    // A higher minor version is read as the highest that is known (RFC 9110 §2.5).
    this.minor = version === 10 ? 0 : 1;
  }
}
