import { aclLines, type Condition, conditionOf, type Test } from './conditions.ts';
import { type Context, proxiesOf, servicesOf } from './context.ts';
import { type Counter, isCounting, limitOf, type Scope, wholeScopeOf } from './counters.ts';
import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';
import type { Parts } from './roles.ts';
import { periodOf, precedes, type Track, tableOf, tracksOf } from './stick-tables.ts';
import { durationText } from './time.ts';

/** What becomes of one alternative of a rule, with the lines that it is made of. */
interface Limit {
  /** Entries of RATE_LIMITS. */
  readonly rates: readonly string[];
  /** CONNECTIONS_PER_ADDRESS. */
  readonly connections: number | undefined;
  readonly exceptions: readonly Test[];
  readonly lines: readonly Line[];
  readonly notes: readonly string[];
}

const SEVERAL = 'Each path is counted by itself; HAProxy counted them together.';
const ALL_COUNTED =
  'HAProxy refused by all requests of an address; here those alone count that a limit is for.';

/** Sets how many requests and connections one address may have, from stick tables and what looks into them. */
export function translateAddressLimits(context: Context): void {
  const found = new Map<Line, readonly Limit[]>();
  for (const parts of servicesOf(context)) {
    for (const proxy of proxiesOf(parts)) {
      for (const line of proxy.lines) {
        if (found.has(line) || !refuses(line)) continue;
        const condition = conditionOf(proxy, line.words);
        if (isCounting(condition))
          found.set(line, limitsOf(context, parts, proxy, line, condition));
      }
    }
  }
  setRates(context, found);
  setConnections(context, found);
}

/** Whether a line refuses requests or connections. */
function refuses({ words: [first, second = '', third = ''] }: Line): boolean {
  if (first === 'block') return true;
  if (first === 'http-request') return /^(deny|tarpit|reject|silent-drop)$/.test(second);
  return first === 'tcp-request' && /^(reject|silent-drop)$/.test(third);
}

/** The limits of a rule, all of its alternatives or none; where none, it is told why. */
function limitsOf(
  context: Context,
  parts: Parts,
  proxy: ProxySection,
  line: Line,
  condition: Condition,
): Limit[] {
  const { ledger } = context;
  const tracks = tracksOf(parts);
  const limits = condition.unless
    ? ['is no plain limit (gt or ge a number)']
    : condition.alternatives.map((tests) => translate({ context, tracks, proxy, line }, tests));
  const reason = limits.find((limit) => typeof limit === 'string');
  if (reason === undefined) return limits.filter((limit) => typeof limit !== 'string');
  ledger.drop(line, 'decide', reason);
  for (const acl of aclLines(condition)) {
    ledger.drop(acl, 'decide', 'serves rules that are not carried over');
  }
  return [];
}

interface Rule {
  readonly context: Context;
  readonly tracks: readonly Track[];
  readonly proxy: ProxySection;
  readonly line: Line;
}

function translate(rule: Rule, tests: readonly Test[]): Limit | string {
  const limit = limitOf(tests);
  if (typeof limit === 'string') return limit;
  const { counter, scope } = limit;
  if (counter.data !== 'http_req_rate' && counter.data !== 'conn_cur') {
    return `counts ${counter.data}: RATE_LIMITS is for http_req_rate, CONNECTIONS_PER_ADDRESS for conn_cur`;
  }
  const track = trackFor(rule, counter);
  if (!track) return 'asks for what no rule has counted (track-sc)';
  if (!/^src(,ipmask\(32,64\))?$/.test(track.key)) {
    return `counts by ${track.key}; Dashgate counts by the address of the client, behind TRUSTED_PROXIES too`;
  }
  const counted = wholeScopeOf(track.condition);
  if (typeof counted === 'string') return counted;
  const table = tableOf(rule.context, counter.table ?? track.table);
  const period = table && periodOf(table, counter.data);
  if (!table || period === undefined) {
    return `asks for ${counter.data}, which no table that is known here counts`;
  }
  const most = counter.most + (excludesItself(rule, track, counter) ? 1 : 0);
  const shared = {
    exceptions: [...scope.exceptions, ...counted.exceptions],
    lines: [
      ...linesOf(tests, scope),
      track.line,
      ...aclLines(track.condition),
      table.line,
      table.head,
    ],
  };
  return counter.data === 'conn_cur'
    ? connectionLimit(most, scope, shared)
    : rateLimit(most, period, [scope, counted], shared);
}

function connectionLimit(
  most: number,
  { paths, method }: Scope,
  shared: Pick<Limit, 'exceptions' | 'lines'>,
): Limit | string {
  if (paths.length > 0 || method !== undefined) {
    return 'bounds connections for some requests only; CONNECTIONS_PER_ADDRESS bounds all';
  }
  return { ...shared, rates: [], connections: most, notes: [] };
}

function rateLimit(
  most: number,
  periodMs: number,
  [refused, counted]: readonly [Scope, Scope],
  shared: Pick<Limit, 'exceptions' | 'lines'>,
): Limit {
  const paths = refused.paths.length > 0 ? refused.paths : counted.paths;
  const method = refused.method ?? counted.method;
  const prefix = `${most}/${durationText(periodMs)} on ${method === undefined ? '' : `${method} `}`;
  const narrows = refused.paths.length > counted.paths.length || refused.method !== counted.method;
  const notes = [...(paths.length > 1 ? [SEVERAL] : []), ...(narrows ? [ALL_COUNTED] : [])];
  const rates = (paths.length > 0 ? paths : ['/']).map((path) => prefix + path);
  return { ...shared, rates, connections: undefined, notes };
}

/** What has been counted for a counter; by the address itself (`src_…`) it may be in any number. */
function trackFor({ tracks, proxy }: Rule, { index, table }: Counter): Track | undefined {
  const fitting = tracks.filter((track) =>
    index === undefined ? track.table === (table ?? proxy.name) : track.index === index,
  );
  return fitting.find((track) => track.proxy === proxy) ?? fitting[0];
}

/** Who is looked up before it is counted is not among those that are found. */
function excludesItself({ proxy, line }: Rule, track: Track, { index }: Counter): boolean {
  return index === undefined && track.proxy === proxy && precedes(proxy, line, track.line);
}

/** The `acl` lines of tests, but for those of exceptions. */
function linesOf(tests: readonly Test[], { exceptions }: Scope): Line[] {
  const used = tests.filter((test) => !exceptions.includes(test));
  return aclLines({ unless: false, alternatives: [used] });
}

function setRates(context: Context, found: ReadonlyMap<Line, readonly Limit[]>): void {
  const { draft, ledger } = context;
  const entries: string[] = [];
  const lines: Line[] = [];
  const notes = new Set(['For portal and console, and over all gateways.']);
  for (const [line, limits] of found) {
    const rates = limits.flatMap((limit) => limit.rates);
    if (rates.length === 0) continue;
    const more = rates.filter((rate) => !entries.includes(rate));
    const problem = draft.set('RATE_LIMITS', [...entries, ...more].join(', '));
    if (problem !== undefined) {
      ledger.drop(line, 'decide', `RATE_LIMITS does not take it: it ${problem}`);
      continue;
    }
    entries.push(...more);
    lines.push(line);
    for (const note of limits.flatMap((limit) => limit.notes)) notes.add(note);
    settle(context, line, limits);
    if (line.words.some((word) => word === 'tarpit' || word === 'silent-drop')) {
      ledger.dropPart(line, line.words[1]!, 'builtin', 'is answered 429 at once, and closed');
    }
  }
  if (entries.length > 0)
    draft.set('RATE_LIMITS', entries.join(', '), { lines, notes: [...notes] });
}

/** One number is for the listeners of both services: the highest that any of them has. */
function setConnections(context: Context, found: ReadonlyMap<Line, readonly Limit[]>): void {
  const { draft, ledger } = context;
  const each = [...found].flatMap(([line, limits]) =>
    limits.flatMap(({ connections }) => (connections === undefined ? [] : [{ line, connections }])),
  );
  const most = Math.max(...each.map(({ connections }) => connections));
  if (each.length === 0) return;
  const lines = each.filter(({ connections }) => connections === most).map(({ line }) => line);
  const problem = draft.set('CONNECTIONS_PER_ADDRESS', String(most), {
    lines,
    notes: ['For each listener of portal and console, in each worker: WORKERS share the clients.'],
  });
  for (const { line, connections } of each) {
    if (problem !== undefined) {
      ledger.drop(line, 'decide', `CONNECTIONS_PER_ADDRESS does not take it: it ${problem}`);
    } else if (connections === most) settle(context, line, found.get(line)!);
    else {
      const reason =
        'CONNECTIONS_PER_ADDRESS is one for all listeners: the highest number is taken';
      ledger.drop(line, 'builtin', reason);
    }
  }
}

function settle({ ledger }: Context, line: Line, limits: readonly Limit[]): void {
  ledger.carry(line, ...limits.flatMap((limit) => limit.lines));
  for (const test of limits.flatMap(({ exceptions }) => exceptions)) {
    const { name, matches } = test;
    const [match] = matches;
    const part = name ? `!${name}` : `!{ ${match?.fetch} ${match?.patterns.join(' ')} }`;
    ledger.dropPart(line, part, 'decide', 'the limit is for everybody, without exceptions');
    for (const { line: acl } of matches) {
      if (acl) ledger.drop(acl, 'decide', 'names addresses without a limit, which there are not');
    }
  }
}
