import { type Condition, pathsOf, type Test } from './conditions.ts';

/** What a rule looks up in a stick table. */
export interface Counter {
  /** Such as `http_req_rate` or `conn_cur`. */
  readonly data: string;
  /** The number of what is tracked (`sc0_…`); undefined where it is looked up by the address itself. */
  readonly index: string | undefined;
  /** The section that has the table, where it is named. */
  readonly table: string | undefined;
  /** So much is let through, where what is asked about is counted already. */
  readonly most: number;
}

/** What a rule asks besides counters. */
export interface Scope {
  /** Plain paths in lower case; none: all. */
  readonly paths: readonly string[];
  readonly method: string | undefined;
  /** Addresses that it is not for. */
  readonly exceptions: readonly Test[];
}

const DATA =
  'http_\\w+|conn_\\w+|sess_\\w+|k?bytes_\\w+|(?:get|inc|clr)_gp\\w+|gp[ct]\\w*|glitch_\\w+|updt_\\w+|tracke\\w+';
const TRACKED = new RegExp(`^sc(\\d*)_(${DATA})(?:\\(([^)]*)\\))?(?: -m int)?$`);
const LOOKED_UP = new RegExp(`^src_(${DATA})(?:\\(([^)]*)\\))?(?: -m int)?$`);

/** Whether a condition asks what has been counted. */
export function isCounting({ alternatives }: Condition): boolean {
  return alternatives.flat().some(isCounterTest);
}

function isCounterTest({ matches }: Test): boolean {
  return matches.some(
    ({ fetch }) =>
      TRACKED.test(fetch) || LOOKED_UP.test(fetch) || /,(?:table_|in_table)/.test(fetch),
  );
}

/** The counter of one alternative of a condition, and what else it asks; or why it is no limit. */
export function limitOf(
  tests: readonly Test[],
): { readonly counter: Counter; readonly scope: Scope } | string {
  const [counting, ...more] = tests.filter(isCounterTest);
  if (!counting) return 'refuses also where nothing is counted; PORTAL_DENY closes whole paths';
  if (more.length > 0)
    return 'asks for several counts at once; each limit of Dashgate is by itself';
  const counter = counterOf(counting);
  if (typeof counter === 'string') return counter;
  const scope = scopeOf(tests.filter((test) => test !== counting));
  return typeof scope === 'string' ? scope : { counter, scope };
}

function counterOf({ negated, matches: [match, ...others] }: Test): Counter | string {
  const [operator = '', number = '', ...rest] = match?.patterns ?? [];
  const isLimit = /^g[te]$/.test(operator) && /^\d{1,9}$/.test(number) && rest.length === 0;
  if (!match || negated || others.length > 0 || !isLimit) {
    return 'is no plain limit (gt or ge a number)';
  }
  const most = Number(number) - (operator === 'ge' ? 1 : 0);
  const tracked = TRACKED.exec(match.fetch);
  if (tracked) {
    const [, digits, data = '', args = ''] = tracked;
    // sc0_NAME(TABLE), or sc_NAME(0,TABLE)
    const [index, table] = digits ? [digits, args] : args.split(',').map((arg) => arg.trim());
    return { data, index: index || '0', table: table || undefined, most };
  }
  const lookedUp = LOOKED_UP.exec(match.fetch);
  if (!lookedUp) return 'looks into a table in a way that is not read here';
  return { data: lookedUp[1]!, index: undefined, table: lookedUp[2] || undefined, most };
}

/** What tests look at that are about paths, a method and addresses; or why that is no scope of a limit. */
export function scopeOf(tests: readonly Test[]): Scope | string {
  const paths: string[] = [];
  const exceptions: Test[] = [];
  let method: string | undefined;
  for (const test of tests) {
    const found = pathsOf({ unless: false, alternatives: [[test]] });
    const asked = methodOf(test);
    if (found && paths.length === 0) paths.push(...found.paths.map(plainPath));
    else if (asked !== undefined && method === undefined) method = asked;
    else if (isForeign(test)) exceptions.push(test);
    else return 'limits by more than paths, a method and addresses without a limit';
  }
  const odd = paths.find((path) => !/^\/[a-z0-9._~/-]*$/.test(path));
  if (odd !== undefined) return `limits "${odd}", which is no plain path`;
  return { paths, method, exceptions };
}

/** The scope of a whole condition, where it has no alternatives. */
export function wholeScopeOf({ unless, alternatives }: Condition): Scope | string {
  if (unless || alternatives.length > 1) {
    return 'counts by more than paths, a method and addresses without a limit';
  }
  return scopeOf(alternatives[0] ?? []);
}

function plainPath(path: string): string {
  return path.toLowerCase().replace(/(?<=.)\/+$/, '');
}

/** Such as `METH_POST`, which HAProxy has by itself, or `method POST`. */
function methodOf({ negated, name, matches }: Test): string | undefined {
  if (negated || matches.length > 1) return undefined;
  const [match] = matches;
  if (!match) return /^METH_([A-Z]{1,20})$/.exec(name)?.[1];
  const [method = '', ...others] = match.patterns;
  const isOne = match.fetch === 'method' && others.length === 0;
  return isOne && /^[A-Z]{1,20}$/.test(method) ? method : undefined;
}

/** `!{ src 10.0.0.0/8 }`: who has no limit. */
function isForeign({ negated, matches }: Test): boolean {
  return negated && matches.length > 0 && matches.every(({ fetch }) => /^src\b/.test(fetch));
}
