import { HeadError } from './head.ts';
import type { StartLine } from './head-scanner.ts';
import { VERSION_BYTES, versionAt } from './http-version.ts';
import { DIGIT, FIELD_TEXT, SP, skip } from './octets.ts';

const ZERO = 0x30;

/** Where the parts of a status line lie: version SP code SP reason (RFC 9112 §4). */
export class StatusLine implements StartLine {
  readonly octets = FIELD_TEXT;
  readonly emptyLines = 0;
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  minor: 0 | 1 = 1;

  read(data: Uint8Array, start: number, end: number): void {
    const codeStart = start + VERSION_BYTES + 1;
    const codeEnd = codeStart + 3;
    const version = codeEnd <= end ? versionAt(data, start) : -1;
    if (version < 0) throw new HeadError(400, 'the answer is not HTTP');
    if (version < 10 || version > 19) throw new HeadError(505, 'the version is not HTTP/1');
    if (data[codeStart - 1] !== SP || skip(data, codeStart, codeEnd, DIGIT) !== codeEnd) {
      throw new HeadError(400, 'the status is not a number of three digits');
    }
    // The blank before an empty reason is required, and left out by many.
    if (codeEnd < end && data[codeEnd] !== SP) {
      throw new HeadError(400, 'the status is not a number of three digits');
    }
    this.status = data[codeStart]! * 100 + data[codeStart + 1]! * 10 + data[codeStart + 2]!;
    this.status -= ZERO * 111;
    if (this.status < 100) throw new HeadError(400, 'the status is below 100');
    this.reasonStart = Math.min(codeEnd + 1, end);
    this.reasonEnd = end;
    this.minor = version === 10 ? 0 : 1;
  }
}
