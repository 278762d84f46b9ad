import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';

/** One test of a request: what is looked at, and what it is compared with. */
export interface Test {
  readonly negated: boolean;
  /** The name of an ACL, or '' for one in braces. */
  readonly name: string;
  /** Each: what one `acl` line, or the braces, look at. Any of them will do. */
  readonly matches: readonly Match[];
}

export interface Match {
  /** Such as `path_beg` or `hdr(host)`. */
  readonly fetch: string;
  readonly patterns: readonly string[];
  readonly line?: Line | undefined;
}

/** A condition: alternatives (`||`), each of tests that all have to hold. */
export interface Condition {
  readonly unless: boolean;
  readonly alternatives: readonly (readonly Test[])[];
}

const ALWAYS: Condition = { unless: false, alternatives: [] };

/** Reads the words from `if` or `unless` on; without any, it always holds. */
export function conditionOf(proxy: ProxySection, words: readonly string[]): Condition {
  const at = words.findIndex((word) => word === 'if' || word === 'unless');
  if (at < 0) return ALWAYS;
  const alternatives: Test[][] = [[]];
  let negated = false;
  let rest = words.slice(at + 1);
  while (rest.length > 0) {
    const [word = ''] = rest;
    let used = 1;
    if (word === '||' || word === 'or' || word === 'OR') {
      alternatives.push([]);
    } else if (word === '!') {
      negated = !negated;
    } else if (word === '{' || word === '!{') {
      const end = rest.indexOf('}');
      used = end < 0 ? rest.length : end + 1;
      const matches = [matchOf(rest.slice(1, used - (end < 0 ? 0 : 1)))];
      alternatives.at(-1)!.push({ negated: negated !== (word === '!{'), name: '', matches });
      negated = false;
    } else {
      const name = word.replace(/^!+/, '');
      const flipped = (word.length - name.length) % 2 === 1;
      alternatives
        .at(-1)!
        .push({ negated: negated !== flipped, name, matches: aclOf(proxy, name) });
      negated = false;
    }
    rest = rest.slice(used);
  }
  return { unless: words[at] === 'unless', alternatives };
}

/** The `acl` lines that a condition uses. */
export function aclLines({ alternatives }: Condition): Line[] {
  return alternatives.flat().flatMap(({ matches }) => matches.flatMap(({ line }) => line ?? []));
}

/** All tests of a condition. */
export function testsOf({ alternatives }: Condition): readonly Test[] {
  return alternatives.flat();
}

/** Whether a condition looks for a websocket handshake. */
export function isWebsocket(condition: Condition): boolean {
  return testsOf(condition).some(({ name, matches }) =>
    matches.length === 0
      ? /websock/i.test(name)
      : matches.some(
          ({ fetch, patterns }) =>
            (/\bupgrade\b|sec-websocket/i.test(fetch) && /hdr|fhdr/i.test(fetch)) ||
            (/connection/i.test(fetch) && patterns.some((each) => /upgrade/i.test(each))) ||
            (/^path/.test(fetch) && patterns.some((each) => /websock/i.test(each))),
        ),
  );
}

/** Whether a condition is that the client came to a port. */
export function isOfPort({ unless, alternatives }: Condition, port: number): boolean {
  const isPort = ({ negated, matches }: Test) =>
    !negated &&
    matches.some(({ fetch, patterns }) => fetch === 'dst_port' && patterns.includes(`${port}`));
  return !unless && alternatives.some((tests) => tests.some(isPort));
}

/** Whether a condition is that the client came without TLS. */
export function isPlainOnly({ unless, alternatives }: Condition): boolean {
  return (
    alternatives.length > 0 &&
    alternatives.every((tests) =>
      tests.some(({ negated, matches }) =>
        matches.some(
          ({ fetch, patterns }) =>
            (fetch === 'ssl_fc' && patterns.length === 0 && negated !== unless) ||
            (/x-forwarded-proto/i.test(fetch) &&
              ((patterns.includes('https') && negated !== unless) ||
                (patterns.includes('http') && negated === unless))) ||
            (fetch === 'dst_port' && patterns.includes('80') && negated === unless),
        ),
      ),
    )
  );
}

/** The paths that a condition is about, where it is about paths alone or, with `loose`, also about more. */
export function pathsOf(
  condition: Condition,
  loose = false,
):
  | { readonly paths: readonly string[]; readonly exact: boolean; readonly more: boolean }
  | undefined {
  if (condition.unless) return undefined;
  const paths: string[] = [];
  let exact = true;
  let more = false;
  for (const tests of condition.alternatives) {
    const found = tests.filter(isPathTest);
    if (found.length !== 1 || (found.length !== tests.length && !loose)) return undefined;
    if (tests.length > 1) more = true;
    for (const { fetch, patterns } of found[0]!.matches) {
      if (fetch !== 'path') exact = false;
      paths.push(...patterns);
    }
  }
  return paths.length === 0 ? undefined : { paths, exact, more };
}

function isPathTest({ negated, matches }: Test): boolean {
  return (
    !negated &&
    matches.length > 0 &&
    matches.every(({ fetch }) =>
      /^path(?:_beg|_dir|,lower|)$|^path -m (?:beg|str|dir)$/.test(fetch),
    )
  );
}

/** Most lines of one ACL; a longer one is not understood, as one that there is not. */
const MAX_ACL_LINES = 256;

function aclOf(proxy: ProxySection, name: string): Match[] {
  if (proxy.acl(name).length > MAX_ACL_LINES) return [];
  return proxy.acl(name).map((line) => ({ ...matchOf(line.words.slice(2)), line }));
}

/** Takes the flags out: `-i` is how Dashgate compares anyway. */
function matchOf(words: readonly string[]): Match {
  const [fetch = '', ...rest] = words;
  const patterns: string[] = [];
  let method = '';
  while (rest.length > 0) {
    const word = rest.shift()!;
    if (word === '--') {
      patterns.push(...rest);
      break;
    }
    if (word === '-m') method = ` -m ${rest.shift() ?? ''}`;
    // Patterns of a file are not here, and make the test one that is not understood.
    else if (word === '-f' || word === '-M') method = ` -f ${rest.shift() ?? ''}`;
    else if (word !== '-i' && word !== '-n') patterns.push(word);
  }
  return { fetch: fetch + method, patterns };
}
