import { type Context, proxiesOf, servicesOf } from './context.ts';
import type { Line } from './line.ts';
import type { Parts, Role } from './roles.ts';
import type { Server } from './servers.ts';
import { durationText, millisecondsOf } from './time.ts';

/** Times of HAProxy, under their names of 1.3 too, and the settings that they become. */
const TIMEOUTS: readonly (readonly [
  keyword: readonly string[],
  setting: string,
  /** Whether it is of the side of clients or of servers. */
  side: 'isFront' | 'isBack',
])[] = [
  [['timeout', 'connect'], 'CONNECT_TIMEOUT', 'isBack'],
  [['contimeout'], 'CONNECT_TIMEOUT', 'isBack'],
  [['timeout', 'client'], 'CLIENT_TIMEOUT', 'isFront'],
  [['clitimeout'], 'CLIENT_TIMEOUT', 'isFront'],
  [['timeout', 'server'], 'SERVER_TIMEOUT', 'isBack'],
  [['srvtimeout'], 'SERVER_TIMEOUT', 'isBack'],
  [['timeout', 'queue'], 'QUEUE_TIMEOUT', 'isBack'],
  [['timeout', 'http-request'], 'HEADER_TIMEOUT', 'isFront'],
  [['timeout', 'http-keep-alive'], 'KEEPALIVE_TIMEOUT', 'isFront'],
  [['timeout', 'tunnel'], 'TUNNEL_TIMEOUT', 'isBack'],
  [['timeout', 'check'], 'HEALTH_TIMEOUT', 'isBack'],
  [['timeout', 'client-hs'], 'HANDSHAKE_TIMEOUT', 'isFront'],
];

const HOUR = 3_600_000;
/** Longest time that a setting takes, in ms. */
const LONGEST = 24 * 24 * HOUR;
const MOST_RETRIES = 10;

/** These hold within a request; for a console they held for websockets, which have their own. */
const OF_REQUESTS = ['CLIENT_TIMEOUT', 'SERVER_TIMEOUT'];

/** Sets times, which are one for both services: the longest that any of their parts has. */
export function translateTimeouts(context: Context): void {
  const { draft, ledger } = context;
  const longest = new Map<string, Time>();
  for (const rule of TIMEOUTS) {
    const [, setting] = rule;
    const services = servicesOf(context);
    const portal = OF_REQUESTS.includes(setting) ? services.slice(0, 1) : services;
    for (const time of timesOf(context, portal, rule)) {
      const known = longest.get(setting);
      if (!known || time.ms > known.ms) longest.set(setting, time);
    }
  }
  for (const [setting, { ms, line }] of longest) {
    const problem = draft.set(setting, durationText(Math.min(ms, LONGEST)), { lines: [line] });
    if (problem === undefined) ledger.carry(line);
    else ledger.drop(line, 'decide', `${setting} does not take it: it ${problem}`);
  }
  translateTunnelTime(context, longest);
  explainOtherTimes(context);
}

interface Time {
  readonly ms: number;
  readonly line: Line;
}

/** The times that hold for the parts of services. */
function timesOf(
  { ledger }: Context,
  services: readonly Parts[],
  [keyword, setting, side]: (typeof TIMEOUTS)[number],
): Time[] {
  const proxies = services.flatMap(proxiesOf).filter((proxy) => proxy[side]);
  const lines = new Set(proxies.flatMap((proxy) => proxy.last(...keyword) ?? []));
  return [...lines].flatMap((line) => {
    const ms = millisecondsOf(line.words[keyword.length]);
    if (ms) return [{ ms, line }];
    ledger.drop(line, 'decide', `is no time that ${setting} takes: it needs an end`);
    return [];
  });
}

/** Without a time of their own, websockets had that of client and server, which cut idle consoles. */
function translateTunnelTime(context: Context, longest: ReadonlyMap<string, Time>): void {
  const { draft, ledger, console } = context;
  if (longest.has('TUNNEL_TIMEOUT') || !console) return;
  const times = ['CLIENT_TIMEOUT', 'SERVER_TIMEOUT'].map((setting) => {
    const rules = TIMEOUTS.filter(([, each]) => each === setting);
    const found = rules.flatMap((rule) => timesOf(context, [console], rule));
    return found.sort((a, b) => b.ms - a.ms)[0];
  });
  const ms = Math.min(...times.map((time) => time?.ms ?? 0), LONGEST);
  if (ms <= HOUR) return;
  const lines = times.map((time) => time?.line);
  ledger.carry(...lines);
  draft.set('TUNNEL_TIMEOUT', durationText(ms), {
    lines,
    notes: ['There was no timeout tunnel, so these held for websockets, too.'],
  });
}

/** What a time was in HAProxy for one proxy that has it; the first that holds of any tells its fate. */
const EFFECTS = ['counts', 'overruled', 'elsewhere'] as const;
type Effect = (typeof EFFECTS)[number];

/** The times that none of the settings was taken from. */
function explainOtherTimes(context: Context): void {
  const { ledger } = context;
  for (const effect of EFFECTS) {
    for (const parts of servicesOf(context)) {
      for (const proxy of proxiesOf(parts)) {
        for (const [keyword, setting, side] of TIMEOUTS) {
          const last = proxy.last(...keyword);
          for (const line of proxy.all(...keyword)) {
            const here = line === last ? 'counts' : 'overruled';
            if (ledger.isSettled(line) || effect !== (proxy[side] ? here : 'elsewhere')) continue;
            ledger.drop(line, 'builtin', whyNot(setting, effect, parts.role));
          }
        }
      }
    }
  }
}

function whyNot(setting: string, effect: Effect, role: Role): string {
  if (effect === 'elsewhere') return 'does nothing on this side, neither in HAProxy nor here';
  if (effect === 'overruled') return 'is overruled by a later line';
  if (role === 'console' && OF_REQUESTS.includes(setting)) {
    return `was for the console: ${setting} is that of the portal, and websockets have TUNNEL_TIMEOUT`;
  }
  return `${setting} is one for both services: the longer time is taken`;
}

/** Sets how many connections, retries and waiting requests there may be. */
export function translateLimits(context: Context, servers: readonly Server[]): void {
  translateConnections(context);
  translateRetries(context);
  translateSlowStart(context, servers);
  const { draft, ledger, globals } = context;
  for (const line of globals.flatMap(({ lines }) => lines)) {
    if (line.words[0] !== 'hard-stop-after') continue;
    const ms = millisecondsOf(line.words[1]);
    const text = durationText(Math.min(ms ?? 0, LONGEST));
    if (ms && draft.set('DRAIN_TIMEOUT', text, { lines: [line] }) === undefined) ledger.carry(line);
  }
}

/** What the process may have, or else what its frontends may have together. */
function translateConnections(context: Context): void {
  const { draft, ledger, globals } = context;
  const whole = globals
    .flatMap(({ lines }) => lines)
    .findLast(({ words: [word] }) => word === 'maxconn');
  const fronts = new Set(servicesOf(context).flatMap((parts) => parts.fronts));
  const each = [...fronts].map((front) => front.last('maxconn'));
  const lines = [...new Set(each.filter((line) => line !== undefined))];
  const sum = each.every((line) => line !== undefined)
    ? each.reduce((total, line) => total + Number(line?.words[1]), 0)
    : Number.POSITIVE_INFINITY;
  const most = Math.min(
    sum || Number.POSITIVE_INFINITY,
    Number(whole?.words[1] ?? Number.POSITIVE_INFINITY),
  );
  const counted = [...lines, whole].filter((line) => line !== undefined);
  if (counted.length === 0 || !Number.isFinite(most)) return;
  const from = whole && Number(whole.words[1]) === most ? [whole] : lines;
  const problem = draft.set('MAX_CONNECTIONS', String(most), {
    lines: from,
    notes: ['For the whole gateway. It needs two open files for each: LimitNOFILE.'],
  });
  for (const line of counted) {
    if (problem === undefined && from.includes(line)) ledger.carry(line);
    else if (problem !== undefined)
      ledger.drop(line, 'decide', `MAX_CONNECTIONS does not take it: it ${problem}`);
    else
      ledger.drop(
        line,
        'builtin',
        'connections are bounded for the whole gateway: MAX_CONNECTIONS',
      );
  }
}

function translateRetries(context: Context): void {
  const { draft, ledger } = context;
  const lines = servicesOf(context)
    .flatMap(({ backs }) => backs)
    .flatMap(({ proxy }) => proxy.last('retries') ?? []);
  for (const line of new Set(lines)) {
    const retries = Number(line.words[1]);
    const text = String(Math.min(retries, MOST_RETRIES));
    if (draft.get('RETRIES') && draft.get('RETRIES')?.value !== text) {
      ledger.drop(line, 'builtin', 'RETRIES is one for both services');
      continue;
    }
    const problem = draft.set('RETRIES', text, { lines: [line] });
    if (problem !== undefined)
      ledger.drop(line, 'decide', `RETRIES does not take it: it ${problem}`);
    else ledger.carry(line);
    if (retries > MOST_RETRIES) {
      ledger.dropPart(
        line,
        line.words[1]!,
        'builtin',
        `${MOST_RETRIES} backends are tried at most`,
      );
    }
  }
}

function translateSlowStart({ draft, ledger }: Context, servers: readonly Server[]): void {
  for (const { line, options } of servers) {
    if (options.slowstart === undefined) continue;
    const text = durationText(options.slowstart);
    const known = draft.get('SLOW_START');
    if (
      known ? known.value === text : draft.set('SLOW_START', text, { lines: [line] }) === undefined
    )
      continue;
    const reason = 'a backend that comes up takes its whole share at once, or as SLOW_START has it';
    ledger.dropPart(line, `slowstart ${options.slowstart}`, 'decide', reason);
  }
}
