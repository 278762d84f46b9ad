import { includesStatus, parseStatusSet } from '../upstream/status-set.ts';
import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';

/** What HAProxy's HTTP check asks and expects. */
export interface HttpCheckRules {
  /** It asks by HTTP. */
  readonly asks: boolean;
  /** What it asks is a websocket handshake, with headers that one has anyway left out here. */
  readonly handshake: boolean;
  readonly method: string;
  readonly path: string | undefined;
  readonly host: string | undefined;
  readonly headers: readonly {
    readonly line: Line;
    readonly name: string;
    readonly value: string;
  }[];
  /** Status codes, as settings have them. */
  readonly expect: string;
  /** The lines that say so. */
  readonly lines: readonly Line[];
  readonly drops: readonly {
    readonly line: Line;
    readonly part?: string;
    readonly reason: string;
  }[];
}

const METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Reads `option httpchk` and the `http-check` rules of a backend. */
export function readHttpCheck(proxy: ProxySection): HttpCheckRules {
  const option = proxy.option('httpchk');
  const reader = new HttpCheckReader();
  if (!option?.on) {
    for (const line of proxy.own('http-check'))
      reader.drop(line, 'is of an HTTP check that is not on');
    return reader;
  }
  reader.asks = true;
  reader.readOption(option.line);
  // Rules of a backend stand in place of those of its defaults.
  const own = proxy.own('http-check');
  for (const line of own.length > 0 ? own : proxy.all('http-check')) reader.readRule(line);
  reader.sortHeaders();
  return reader;
}

class HttpCheckReader implements HttpCheckRules {
  asks = false;
  handshake = false;
  method = 'OPTIONS';
  path: string | undefined = '/';
  host: string | undefined;
  expect = '200-399';
  headers: HttpCheckRules['headers'][number][] = [];
  readonly lines: Line[] = [];
  readonly drops: { line: Line; part?: string; reason: string }[] = [];

  drop(line: Line, reason: string, part?: string): void {
    this.drops.push(part === undefined ? { line, reason } : { line, part, reason });
  }

  readOption(line: Line): void {
    this.lines.push(line);
    const words = line.words.slice(2);
    if (words.length === 1) this.path = words[0];
    if (words.length > 1) {
      this.#takeMethod(line, words[0]!);
      this.path = words[1];
    }
    // Before 2.2, headers were smuggled in behind the version.
    for (const text of words.slice(2).join(' ').split(/\r?\n/).slice(1)) {
      const [name = '', value] = partedAtColon(text);
      if (value !== undefined) this.#takeHeader(line, name, value);
    }
    if (/^HTTP\//.test(words[2] ?? '') && words[3] && !words[2]!.includes('\n')) {
      this.#takeHeader(line, 'Host', words[3]);
    }
  }

  readRule(line: Line): void {
    const [, rule = '', ...words] = line.words;
    if (rule === 'send') this.#readSend(line, words);
    else if (rule === 'expect') this.#readExpect(line, words);
    else if (rule === 'comment') this.lines.push(line);
    else if (rule === 'connect' && words.every((word) => ['ssl', 'default'].includes(word))) {
      this.lines.push(line);
    } else this.drop(line, 'is more than a check of Dashgate does: one request, one answer');
  }

  #readSend(line: Line, words: readonly string[]): void {
    this.lines.push(line);
    for (let at = 0; at < words.length; at += 2) {
      const word = words[at]!;
      const value = words[at + 1] ?? '';
      if (word === 'meth') this.#takeMethod(line, value);
      else if (word === 'uri') this.path = value;
      else if (word === 'hdr') {
        this.#takeHeader(line, value, words[at + 2] ?? '');
        at += 1;
      } else if (word !== 'ver') {
        this.drop(line, 'a check has no body, and nothing that is worked out anew', `${word} …`);
      }
    }
  }

  #readExpect(line: Line, given: readonly string[]): void {
    const words = given.filter((word) => word !== '!');
    const at = words.findIndex((word) => /^r?status$/.test(word));
    const expect =
      at < 0 ? undefined : statusSet(words[at]!, words[at + 1] ?? '', given.includes('!'));
    if (expect === undefined) {
      this.drop(
        line,
        'looks at more than the status of the answer, which is all that a check looks at',
      );
      return;
    }
    this.expect = expect;
    this.lines.push(line);
  }

  #takeMethod(line: Line, method: string): void {
    if (METHODS.includes(method)) {
      this.method = method;
      return;
    }
    this.method = 'GET';
    this.drop(line, `checks are ${METHODS.join(', ')}; it is GET here`, method);
  }

  #takeHeader(line: Line, name: string, value: string): void {
    if (/^host$/i.test(name) && !value.includes('%[')) this.host = value;
    else this.headers.push({ line, name, value });
  }

  /** Leaves headers that checks send, once it is known what kind of check it is. */
  sortHeaders(): void {
    const given = this.headers;
    const good = parseStatusSet(this.expect);
    // Without 101 as a good answer, it is a request of which a refusal is expected.
    this.handshake = given.some(isUpgrade) && includesStatus(good, 101);
    this.headers = given.filter((header) => this.#isSent(header));
  }

  #isSent({ line, name, value }: HttpCheckRules['headers'][number]): boolean {
    if (this.handshake && isOfHandshake({ name })) return false;
    if (value.includes('%[')) {
      this.drop(line, 'has a header that is worked out anew for each check', name);
      return false;
    }
    if (!/^(user-agent|connection|accept)$/i.test(name)) return true;
    const reason = 'checks are told by a User-Agent of their own and send no more than they need';
    this.drop(line, reason, name);
    return false;
  }
}

/** Whether a header asks for a websocket. */
export function isUpgrade({
  name,
  value,
}: {
  readonly name: string;
  readonly value: string;
}): boolean {
  return /^upgrade$/i.test(name) && /^websocket$/i.test(value);
}

/** Whether a header is one that a websocket handshake has by itself. */
export function isOfHandshake({ name }: { readonly name: string }): boolean {
  return /^(?:upgrade|connection|sec-websocket-(?:key|version))$/i.test(name);
}

function partedAtColon(text: string): [string, string | undefined] {
  const at = text.indexOf(':');
  return at < 0 ? [text, undefined] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** The status codes that HAProxy takes for good, as ranges; undefined where it cannot be said. */
function statusSet(kind: string, pattern: string, negated: boolean): string | undefined {
  const good = statusTest(kind, pattern);
  if (!good) return undefined;
  const ranges: string[] = [];
  for (let status = 100; status <= 599; status += 1) {
    if (good(status) === negated) continue;
    const from = status;
    while (status < 599 && good(status + 1) !== negated) status += 1;
    ranges.push(from === status ? `${from}` : `${from}-${status}`);
  }
  return ranges.length > 0 ? ranges.join(',') : undefined;
}

function statusTest(kind: string, pattern: string): ((status: number) => boolean) | undefined {
  if (kind === 'status') {
    const ranges = pattern.split(',').map((part) => /^(\d{3})(?:-(\d{3}))?$/.exec(part));
    if (ranges.some((range) => !range)) return undefined;
    return (status) =>
      ranges.some(
        (range) => status >= Number(range![1]) && status <= Number(range![2] ?? range![1]),
      );
  }
  // Three digits are all that it is tried on, so no pattern can take long that is not long itself.
  if (pattern.length > 200) return undefined;
  try {
    const expression = new RegExp(pattern);
    return (status) => expression.test(String(status));
  } catch {
    return undefined;
  }
}
