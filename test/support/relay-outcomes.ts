import { BodyFraming } from '../../src/relay/body.ts';
import { CHUNKED, HeadError } from '../../src/relay/head.ts';
import type { HeaderLines } from '../../src/relay/header-lines.ts';
import { RequestParser } from '../../src/relay/request-parser.ts';
import { ResponseParser } from '../../src/relay/response-parser.ts';

/** What becomes of some bytes, in a form that can be compared. */
export type Outcome = Readonly<Record<string, unknown>>;
export type Read = (chunks: readonly Buffer[]) => Outcome;

interface Parser {
  readonly rest: Buffer;
  readonly idle: boolean;
}

interface Head {
  readonly lines: HeaderLines;
}

function readHead<P extends Parser>(parser: P, parse: (chunk: Buffer) => Head | undefined): Read {
  return (chunks) => {
    for (const [i, chunk] of chunks.entries()) {
      let head: Head | undefined;
      try {
        head = parse(chunk);
      } catch (error) {
        if (!(error instanceof HeadError)) throw error;
        return { status: error.status, reason: error.reason };
      }
      if (!head) continue;
      const { lines, ...rest } = head;
      const fields = Array.from({ length: lines.count }, (_, line) => [
        lines.kind(line),
        lines.name(line),
        lines.valueAt(line),
        lines.text.slice(lines.start(line), lines.end(line)),
      ]);
      const after = Buffer.concat([parser.rest, ...chunks.slice(i + 1)]).toString('latin1');
      return { ...rest, fields, names: lines.connectionNames, text: lines.text, after };
    }
    return { idle: parser.idle };
  };
}

export const readRequest: Read = (chunks) => {
  const parser = new RequestParser();
  return readHead(parser, (chunk) => parser.parse(chunk))(chunks);
};

export const readResponse =
  (method: string): Read =>
  (chunks) => {
    const parser = new ResponseParser();
    return readHead(parser, (chunk) => parser.parse(chunk, method))(chunks);
  };

export const readBody: Read = (chunks) => {
  const framing = new BodyFraming();
  framing.start(CHUNKED);
  let taken = 0;
  for (const chunk of chunks) {
    try {
      taken += framing.take(chunk);
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      return { status: error.status, reason: error.reason };
    }
  }
  return { taken, done: framing.done };
};
