import { type Condition, conditionOf } from './conditions.ts';
import type { Context } from './context.ts';
import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';
import type { Parts } from './roles.ts';
import { millisecondsOf } from './time.ts';

/** A rule that has something counted (`track-sc0 src`). */
export interface Track {
  readonly line: Line;
  readonly index: string;
  /** What is counted by; `src` is the address. */
  readonly key: string;
  /** The section that has the table. */
  readonly table: string;
  readonly condition: Condition;
  readonly proxy: ProxySection;
}

/** A table that counts. */
export interface StickTable {
  readonly line: Line;
  /** The line that begins its section. */
  readonly head: Line;
  /** What it stores, such as `conn_cur` or `http_req_rate(10s)`. */
  readonly stored: readonly string[];
}

/** The rules of a service that have something counted, in order. */
export function tracksOf({ fronts, backs }: Parts): Track[] {
  const proxies = new Set([...fronts, ...backs.map(({ proxy }) => proxy)]);
  return [...proxies].flatMap((proxy) => {
    const lines = [...proxy.all('tcp-request'), ...proxy.all('http-request')];
    return lines.flatMap((line) => trackOf(proxy, line) ?? []);
  });
}

function trackOf(proxy: ProxySection, line: Line): Track | undefined {
  const at = line.words.findIndex((word, index) => index < 3 && /^track-sc\d+$/.test(word));
  if (at < 0) return undefined;
  const [action = '', key = '', ...rest] = line.words.slice(at);
  const table = rest[0] === 'table' ? (rest[1] ?? '') : proxy.name;
  const condition = conditionOf(proxy, line.words);
  return { line, index: action.slice('track-sc'.length), key, table, condition, proxy };
}

/** The table of a section; undefined where it has none. */
export function tableOf({ roles }: Context, name: string): StickTable | undefined {
  const proxy = roles.named(name);
  const line = proxy?.last('stick-table');
  if (!proxy || !line) return undefined;
  const { words } = line;
  const stored = words.flatMap((word, at) => (words[at - 1] === 'store' ? word.split(',') : []));
  return { line, head: proxy.section.head, stored };
}

/** The time over which a table counts, in ms; 0 for what has none, undefined where it does not count that. */
export function periodOf({ stored }: StickTable, data: string): number | undefined {
  for (const each of stored) {
    const [, name, period] = /^(\w+)(?:\(([^)]*)\))?$/.exec(each) ?? [];
    if (name === data) return period === undefined ? 0 : millisecondsOf(period);
  }
  return undefined;
}

const STAGES = ['connection', 'session', 'content'];

/** Whether HAProxy comes to a rule before another one: connections first, then requests, then in order. */
export function precedes(proxy: ProxySection, one: Line, other: Line): boolean {
  const stage = ({ words: [first, second = ''] }: Line) =>
    first === 'tcp-request' ? STAGES.indexOf(second) : STAGES.length;
  if (stage(one) !== stage(other)) return stage(one) < stage(other);
  return proxy.lines.indexOf(one) < proxy.lines.indexOf(other);
}
