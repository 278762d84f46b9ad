import { Deviation } from './bell.ts';

export type Kind = 'request' | 'response';

/** How a connection was brought to its end, if it was. */
export type End = 'open' | 'ended' | 'reset';

/** How the end of a body was marked: not at all (there is none), or by one of three means. */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** A message as it came over a wire; all text is latin1. */
export interface Message {
  readonly startLine: string;
  /** Of a response; 0 in a request. */
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly framing: Framing;
  /** Chunks put together. */
  readonly body: string;
  readonly trailers: readonly string[];
  /** False where the connection ended before the message did. */
  readonly complete: boolean;
}

/** The values of all fields of a name, in order. */
export function values(message: Pick<Message, 'fields'>, name: string): string[] {
  return message.fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_LINE = /^[!#$%&'*+.^_`|~\w-]+ [\x21-\x7e]+ HTTP\/1\.[01]$/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/**
 * Reads one message from the front of `text` with the letter of RFC 9112: what a proxy passes on
 * has to be sound, however unsound it came in. Undefined while more has to come; `over` says that
 * no more will, and how the connection ended. A `bodiless` response is one to HEAD.
 * @throws Deviation where the text is no sound message.
 */
export function readMessage(
  text: string,
  kind: Kind,
  { over, bodiless = false }: { readonly over: End; readonly bodiless?: boolean },
): { message: Message; length: number } | undefined {
  const head = readHead(text, kind);
  if (!head) return undefined;
  const framing = framingOf(head, kind, bodiless);
  const rest = text.slice(head.length);
  const body = readBody(
    rest,
    framing === 'length' ? Number(values(head, 'content-length')) : framing,
  );
  if (!body.complete && over === 'open') return undefined;
  return {
    message: {
      startLine: head.startLine,
      status: head.status,
      fields: head.fields,
      framing,
      body: body.text,
      trailers: body.trailers,
      complete: body.complete || (framing === 'close' && over === 'ended'),
    },
    length: head.length + body.length,
  };
}

interface Head extends Pick<Message, 'startLine' | 'status' | 'fields'> {
  /** Bytes up to and with the empty line. */
  readonly length: number;
}

/** The head at the front of `text`, as `readMessage` takes it. */
export function readHead(text: string, kind: Kind): Head | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [startLine = '', ...lines] = text.slice(0, end).split('\r\n');
  if (!(kind === 'request' ? REQUEST_LINE : STATUS_LINE).test(startLine)) {
    throw new Deviation(`passed on a malformed start line: ${shown(startLine)}`);
  }
  const fields = lines.map((line) => {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new Deviation(`passed on a malformed field line: ${shown(line)}`);
    }
    return [name, value] as const;
  });
  const status = kind === 'request' ? 0 : Number(startLine.split(' ')[1]);
  return { startLine, status, fields, length: end + 4 };
}

function framingOf(head: Head, kind: Kind, bodiless: boolean): Framing {
  const codings = values(head, 'transfer-encoding');
  const lengths = values(head, 'content-length');
  const marks = codings.length + lengths.length;
  const isChunked = codings[0]?.toLowerCase() === 'chunked';
  if (marks > 1 || (codings.length > 0 && !isChunked) || lengths.some((n) => !/^\d+$/.test(n))) {
    throw new Deviation(
      `passed on an ambiguous framing: ${[...codings, ...lengths].join(' and ')}`,
    );
  }
  const { status } = head;
  if (kind === 'response' && (bodiless || status < 200 || status === 204 || status === 304)) {
    return 'none';
  }
  if (marks === 0) return kind === 'request' ? 'none' : 'close';
  return isChunked ? 'chunked' : 'length';
}

interface Body {
  readonly text: string;
  readonly trailers: readonly string[];
  /** Bytes on the wire. */
  readonly length: number;
  readonly complete: boolean;
}

function readBody(rest: string, framing: Exclude<Framing, 'length'> | number): Body {
  if (framing === 'chunked') return readChunks(rest);
  const end = framing === 'none' ? 0 : framing === 'close' ? rest.length : framing;
  const text = rest.slice(0, end);
  const complete = framing !== 'close' && text.length === end;
  return { text, trailers: [], length: text.length, complete };
}

function readChunks(rest: string): Body {
  let text = '';
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) break;
    const [, digits] = /^([0-9a-f]{1,13})(?:;.*)?$/i.exec(rest.slice(at, lineEnd)) ?? [];
    if (!digits)
      throw new Deviation(`passed on a malformed chunk: ${shown(rest.slice(at, lineEnd))}`);
    const size = Number.parseInt(digits, 16);
    const start = lineEnd + 2;
    if (size === 0) {
      // The trailer section ends as a head does; the line end before it belongs to the last chunk.
      const end = rest.indexOf('\r\n\r\n', lineEnd);
      if (end < 0) break;
      const trailers = end === lineEnd ? [] : rest.slice(start, end).split('\r\n');
      return { text, trailers, length: end + 4, complete: true };
    }
    text += rest.slice(start, start + size);
    const mark = rest.slice(start + size, start + size + 2);
    if (!'\r\n'.startsWith(mark)) {
      throw new Deviation(`passed on a chunk that does not end where it should: ${shown(mark)}`);
    }
    if (mark.length < 2) break;
    at = start + size + 2;
  }
  return { text, trailers: [], length: rest.length, complete: false };
}

/** Bytes for people to read, at most 120 of them. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
