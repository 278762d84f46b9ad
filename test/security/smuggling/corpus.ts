import { chunkedBodies } from './corpus/chunks.ts';
import { connections } from './corpus/connections.ts';
import { contentLength } from './corpus/content-length.ts';
import { lines } from './corpus/lines.ts';
import { requestLines } from './corpus/request-lines.ts';
import { responses } from './corpus/responses.ts';
import { transferEncoding } from './corpus/transfer-encoding.ts';
import type { HostileMessage } from './hostile-message.ts';

/** Every hostile message. */
export const CORPUS: readonly HostileMessage[] = [
  ...transferEncoding,
  ...contentLength,
  ...chunkedBodies,
  ...lines,
  ...requestLines,
  ...connections,
  ...responses,
];
