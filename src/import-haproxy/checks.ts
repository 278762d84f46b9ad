import { type Context, servicesOf } from './context.ts';
import { type HttpCheckRules, readHttpCheck } from './http-check.ts';
import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';
import type { Parts, Role } from './roles.ts';
import type { Server } from './servers.ts';
import { readTcpHandshake } from './tcp-check.ts';
import { durationText } from './time.ts';

/** Any answer of an HTTP server is as good as the connection that HAProxy was content with. */
const ANY_ANSWER = '200-499';

/** Sets what the health check of a service asks. */
export function translateCheck(context: Context, parts: Parts, servers: readonly Server[]): void {
  const { draft, ledger } = context;
  const prefix = parts.role === 'portal' ? 'PORTAL' : 'CONSOLE';
  const back = parts.backs[0]!.proxy;
  const rules = readCheck(back);
  for (const { proxy } of parts.backs.slice(1)) explainSecond(context, proxy, rules);
  for (const { line, part, reason } of rules.drops) {
    if (part === undefined) ledger.drop(line, 'decide', reason);
    else ledger.dropPart(line, part, 'decide', reason);
  }
  if (!rules.asks) {
    const checked = servers.some(({ options }) => options.check);
    translateConnectionCheck(context, parts.role, checked);
    return;
  }
  const { lines } = rules;
  draft.set(`${prefix}_HEALTH_CHECK`, rules.handshake ? 'websocket' : 'http', { lines });
  const take = (name: string, value: string | undefined, notes: readonly string[] = []) => {
    if (value === undefined) return;
    const problem = draft.set(`${prefix}_HEALTH_${name}`, value, { lines, notes });
    if (problem === undefined) return;
    for (const line of lines) {
      const part = `${name.toLowerCase()} of the check`;
      ledger.dropPart(
        line,
        part,
        'decide',
        `is not taken as ${prefix}_HEALTH_${name}: it ${problem}`,
      );
    }
  };
  if (!rules.handshake) take('METHOD', rules.method);
  take('PATH', rules.path);
  // A console's handshake is good by itself with 101, and with an end in order for want of a token.
  const usual = parts.role === 'console' && rules.handshake && rules.expect === '101';
  if (!usual) take('EXPECT', rules.expect);
  take('HOST', rules.host);
  if (rules.host === undefined && parts.role === 'portal') {
    draft.note(
      'PORTAL_HEALTH_PATH',
      "Checks name the backend's own address as Host; where ALLOWED_HOSTS has it not, set PORTAL_HEALTH_HOST.",
    );
  }
  takeHeaders(context, prefix, rules);
  ledger.carry(...lines);
}

function readCheck(proxy: ProxySection): HttpCheckRules {
  return readTcpHandshake(proxy) ?? readHttpCheck(proxy);
}

function takeHeaders({ draft, ledger }: Context, prefix: string, rules: HttpCheckRules): void {
  if (rules.headers.length === 0) return;
  const text = rules.headers.map(({ name, value }) => `${name}: ${value}`).join(' | ');
  const lines = [...new Set(rules.headers.map(({ line }) => line))];
  const problem = draft.set(`${prefix}_HEALTH_HEADERS`, text, { lines });
  if (problem === undefined) return;
  for (const { line, name } of rules.headers) {
    ledger.dropPart(line, name, 'decide', 'a health check sends no headers of your own but Host');
  }
}

/** HAProxy did not ask anything, if it checked at all. */
function translateConnectionCheck({ draft }: Context, role: Role, checked: boolean): void {
  // A check that does a handshake suits a console without being told of anything.
  if (role === 'console') return;
  const was = checked
    ? 'HAProxy only connected to them'
    : 'HAProxy did not check them, or not by HTTP';
  draft.set('PORTAL_HEALTH_PATH', '/');
  draft.set('PORTAL_HEALTH_EXPECT', ANY_ANSWER, {
    notes: [
      `${was}: here any answer below 500 is good. Better is a page that takes all of the dashboard to make, such as /dashboard/auth/login/ with 200.`,
    ],
  });
}

/** A service has one check; the groups of servers beside the first one had their own. */
function explainSecond({ ledger }: Context, proxy: ProxySection, first: HttpCheckRules): void {
  const second = readCheck(proxy);
  if (questionOf(second) === questionOf(first)) {
    ledger.carry(...second.lines);
    return;
  }
  for (const line of second.lines) {
    ledger.drop(
      line,
      'decide',
      'checks a group of servers that is merged with another, whose check counts',
    );
  }
}

/** What is asked and expected, to compare. */
function questionOf(rules: HttpCheckRules): string {
  const { asks, handshake, method, path, host, expect, headers } = rules;
  const names = headers.map(({ name, value }) => [name, value]);
  return JSON.stringify([asks, handshake, method, path, host, expect, names]);
}

/** Sets the pace of checks, which is one for all backends. */
export function translatePace(context: Context, servers: readonly Server[]): void {
  const { draft, ledger } = context;
  const timeout = servicesOf(context)
    .flatMap(({ backs }) => backs)
    .flatMap(({ proxy }) => proxy.last('timeout', 'check') ?? []);
  const take = (
    name: string,
    option: 'inter' | 'rise' | 'fall',
    text: (value: number) => string,
  ) => {
    const given = servers.filter(({ options }) => options[option] !== undefined);
    const [first] = given;
    if (!first) return;
    const value = first.options[option]!;
    const same = given.filter(({ options }) => options[option] === value).map(({ line }) => line);
    const problem = draft.set(name, text(value), { lines: distinct(same) });
    for (const { line, options } of given) {
      const part = `${option} ${options[option]}`;
      if (problem !== undefined)
        ledger.dropPart(line, part, 'decide', `${name} does not take it: it ${problem}`);
      else if (options[option] !== value) {
        ledger.dropPart(line, part, 'decide', `all backends are checked alike: ${name}`);
      }
    }
  };
  take('HEALTH_INTERVAL', 'inter', durationText);
  take('HEALTH_RISE', 'rise', String);
  take('HEALTH_FALL', 'fall', String);
  const interval = draft.get('HEALTH_INTERVAL');
  // HAProxy waits for an answer as long as it pauses, unless it is told otherwise.
  if (interval && timeout.length === 0) {
    draft.set('HEALTH_TIMEOUT', interval.value, { lines: interval.lines });
  }
}

function distinct(lines: readonly Line[]): Line[] {
  return [...new Set(lines)];
}
