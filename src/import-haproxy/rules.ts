import { aclLines, type Condition, conditionOf, isWebsocket, pathsOf } from './conditions.ts';
import { type Context, proxiesOf, servicesOf } from './context.ts';
import { isCounting } from './counters.ts';
import type { Group } from './ledger.ts';
import type { Line } from './line.ts';
import type { ProxySection, Route } from './proxy-section.ts';
import { differencesOf, isHttpsRedirect, redirectOf, rootTarget } from './redirects.ts';
import type { Parts, Role } from './roles.ts';

/** What becomes of a rule: it is carried over, or the reason why not. */
type Fate = 'carried' | { readonly group: Group; readonly reason: string };

/** The address of the client, taken from a header of the request. */
const FROM_PROXY = /^\W*(?:x-forwarded-for|x-real-ip|x-client-ip)\b.*%\[\s*(?:req\.)?f?hdr/i;
const CLIENT_OF_PROXY =
  'takes the address of the client from a header of the proxy in front, which Dashgate does of X-Forwarded-For alone, where it comes from TRUSTED_PROXIES: list the addresses of that proxy there';

const CLOSED = ['/server-status', '/server-info'];

/** Rules that change, answer or send elsewhere what goes through. */
export function translateRules(context: Context): void {
  const denied = new Map<string, Line>();
  for (const parts of servicesOf(context)) {
    for (const proxy of proxiesOf(parts)) {
      for (const line of proxy.lines) translateRule(context, parts, proxy, line, denied);
    }
    for (const proxy of parts.fronts) translateRoutes(context, proxy);
  }
  for (const proxy of context.portal ? context.redirectors : []) {
    for (const line of proxy.lines) {
      const redirect = isRedirect(line) ? redirectOf(proxy, line) : undefined;
      if (!redirect) continue;
      settle(context, line, redirect.condition, redirectFate(context, 'portal', proxy, line));
    }
  }
  const added = [...denied.keys()].filter((path) => !CLOSED.includes(path));
  if (denied.size > 0) {
    context.draft.set('PORTAL_DENY', [...CLOSED, ...added].join(','), {
      lines: [...new Set(denied.values())],
    });
  }
}

function translateRule(
  context: Context,
  parts: Parts,
  proxy: ProxySection,
  line: Line,
  denied: Map<string, Line>,
): void {
  const fate = fateOf(context, parts, proxy, line, denied);
  if (fate) settle(context, line, conditionOf(proxy, line.words), fate);
}

function settle({ ledger }: Context, line: Line, condition: Condition, fate: Fate): void {
  if (fate === 'carried') {
    ledger.carry(line, ...aclLines(condition));
    return;
  }
  ledger.drop(line, fate.group, fate.reason);
  for (const acl of aclLines(condition)) {
    ledger.drop(acl, fate.group, 'serves rules that are not carried over');
  }
}

/** The fate of a rule; undefined where a line is none. */
function fateOf(
  context: Context,
  parts: Parts,
  proxy: ProxySection,
  line: Line,
  denied: Map<string, Line>,
): Fate | undefined {
  const [first = '', second = '', third = ''] = line.words;
  if (isRedirect(line)) return redirectFate(context, parts.role, proxy, line);
  if (
    first === 'block' ||
    (first === 'http-request' && ['deny', 'tarpit', 'reject'].includes(second))
  ) {
    // Those are limits, translated by themselves: the path of a login must not be closed.
    if (isCounting(conditionOf(proxy, line.words))) return undefined;
    return denyFate(parts, proxy, line, denied);
  }
  if (/^req(i)?(deny|tarpit|pass|allow)$/.test(first)) return legacyDenyFate(parts, line, denied);
  // 1.4 to 2.0: a header as one word, a pattern and its replacement as two.
  if (/^(req|rsp)(add)$/.test(first))
    return headerFate(context, line, first.startsWith('req'), second);
  if (/^(req|rsp)i?(del|rep)$/.test(first)) {
    return headerFate(context, line, first.startsWith('req'), `${second} ${third}`, true);
  }
  if (first === 'http-request' && second === 'set-src' && /hdr/.test(third)) {
    return { group: 'decide', reason: CLIENT_OF_PROXY };
  }
  if (first === 'http-request' || first === 'http-response' || first === 'http-after-response') {
    if (!/^(set|add|del|replace)-(header|value)$/.test(second)) return undefined;
    const rest = line.words.slice(3).join(' ');
    const removes = !/^(set|add)-/.test(second);
    return headerFate(context, line, first === 'http-request', `${third}: ${rest}`, removes);
  }
  return undefined;
}

function isRedirect({ words: [first, second] }: Line): boolean {
  return first === 'redirect' || (first === 'http-request' && second === 'redirect');
}

function redirectFate(
  { draft, ledger }: Context,
  role: Role,
  proxy: ProxySection,
  line: Line,
): Fate {
  const redirect = redirectOf(proxy, line);
  if (redirect && isHttpsRedirect(redirect)) {
    if (role === 'console' || !draft.get('PORTAL_REDIRECT_LISTEN')) {
      return { group: 'builtin', reason: 'browsers come by https alone' };
    }
    for (const { part, reason } of differencesOf(redirect)) {
      ledger.dropPart(line, part, 'decide', reason);
    }
    return 'carried';
  }
  const target = redirect && rootTarget(redirect);
  if (target !== undefined && target !== '/') {
    const problem = draft.set('PORTAL_ROOT_REDIRECT', target, { lines: [line] });
    if (problem === undefined) return 'carried';
  }
  return {
    group: 'decide',
    reason:
      'is a redirect that Dashgate does not make: it sends / to PORTAL_ROOT_REDIRECT, and http to https',
  };
}

/** Closed paths stay closed; exceptions are not carried over, so that nothing is open by mistake. */
function denyFate(parts: Parts, proxy: ProxySection, line: Line, denied: Map<string, Line>): Fate {
  const condition = conditionOf(proxy, line.words);
  const found = pathsOf(condition, true);
  const paths = found?.paths.map((path) => path.toLowerCase().replace(/\/+$/, '')) ?? [];
  if (!found || parts.role === 'console' || paths.some((path) => !isPlainPath(path))) {
    return {
      group: 'decide',
      reason:
        parts.role === 'console'
          ? 'refuses requests to the console: PORTAL_DENY would close the path on the portal, too'
          : 'refuses by more than paths; Dashgate closes whole paths: PORTAL_DENY',
    };
  }
  for (const path of paths) denied.set(path, line);
  if (!found.more) return 'carried';
  return {
    group: 'decide',
    reason: `closes paths to some only: PORTAL_DENY closes ${paths.join(', ')} to everybody`,
  };
}

/** `reqideny ^[^\ ]*\ /server-status`: a pattern on the whole request line. */
function legacyDenyFate({ role }: Parts, line: Line, denied: Map<string, Line>): Fate {
  const [keyword = '', pattern = ''] = line.words;
  const path = /\s(\/[a-z0-9/_.\\-]+)(?:\.\*)?$/i.exec(
    pattern.replaceAll('[^ ]*', '').replaceAll('\\ ', ' '),
  )?.[1];
  const plain = path?.replaceAll('\\', '').toLowerCase();
  if (role === 'portal' && keyword.endsWith('deny') && plain && isPlainPath(plain)) {
    denied.set(plain, line);
    return 'carried';
  }
  return {
    group: 'decide',
    reason: 'refuses by a pattern; Dashgate closes whole paths: PORTAL_DENY',
  };
}

function isPlainPath(path: string): boolean {
  return /^\/[a-z0-9._~/-]+$/.test(path);
}

/** Headers that Dashgate sets or mends by itself, and those that it knows nothing of. */
function headerFate(
  { draft }: Context,
  line: Line,
  isRequest: boolean,
  text: string,
  removes = false,
): Fate {
  const builtin = (reason: string): Fate => ({ group: 'builtin', reason });
  if (isRequest) {
    if (FROM_PROXY.test(text)) return { group: 'decide', reason: CLIENT_OF_PROXY };
    if (/x-forwarded-(for|proto|host|port|ssl)|x-real-ip|front-end-https|x-client-ip/i.test(text)) {
      return builtin(
        'X-Forwarded-For, -Proto, -Host, -Port and X-Real-IP are set for each request',
      );
    }
    if (/x-request-id|x-unique-id/i.test(text))
      return builtin('X-Request-Id is set for each request');
    if (/^\W*(connection|keep-alive|proxy)\b/i.test(text)) {
      return builtin('headers of the connection never go on to backends');
    }
    return {
      group: 'decide',
      reason: 'changes headers of requests, which Dashgate passes on as they are',
    };
  }
  if (/^\W*strict-transport-security/i.test(text)) {
    const value =
      /strict-transport-security:?\s*(.+?)(?:\s+(?:if|unless)\s.*)?$/i.exec(text)?.[1] ?? '';
    const problem = removes
      ? 'it is taken out'
      : draft.set('HSTS', hstsText(value), { lines: [line] });
    if (problem === undefined) return 'carried';
    return { group: 'decide', reason: `is not taken as HSTS: it ${problem}` };
  }
  if (/location/i.test(text)) {
    return builtin(
      'Location and X-Horizon-Location are kept on https and on the address that the browser used',
    );
  }
  if (/set-cookie/i.test(text) && /secure/i.test(text)) return builtin('cookies are marked Secure');
  return {
    group: 'decide',
    reason: 'changes headers of answers: have Apache or Django set them',
  };
}

function hstsText(value: string): string {
  return value
    .replace(/^["']|["']$/g, '')
    .replace(/;\s*$/, '')
    .replace(/\s*;\s*/g, '; ')
    .trim();
}

/** Which backend takes what: rules that split pages and websockets are merged, others are told. */
function translateRoutes(context: Context, front: ProxySection): void {
  for (const route of front.routes) {
    const back = context.roles.backOf(route);
    const condition = conditionOf(front, route.condition);
    const owner = servicesOf(context).find(({ backs }) =>
      backs.some(({ proxy }) => proxy === back),
    );
    settle(context, route.line, condition, routeFate(route, back, condition, owner));
  }
}

function routeFate(
  { target, chosenBy }: Route,
  back: ProxySection | undefined,
  condition: Condition,
  owner: Parts | undefined,
): Fate {
  if (chosenBy !== undefined) {
    const usual = target === '' ? '' : `; its default, ${target}, is ${usualFate(back, owner)}`;
    return {
      group: 'decide',
      reason: `chooses by ${chosenBy}${usual}: where the dashboard or the console is another section, name it with --portal NAME or --console NAME`,
    };
  }
  if (!back) {
    return { group: 'decide', reason: `leads to "${target}", which is not in the files` };
  }
  if (!owner) {
    const reason = "leads to a backend that is none of Dashgate's: leave it where it is";
    return { group: 'elsewhere', reason };
  }
  if (condition.alternatives.length === 0 || isWebsocket(condition)) return 'carried';
  return {
    group: 'decide',
    reason: `chooses by name or path: the ${owner.role} has an address of its own here, for all names and paths`,
  };
}

function usualFate(back: ProxySection | undefined, owner: Parts | undefined): string {
  if (!back) return 'not in the files';
  return owner ? `of the ${owner.role} here` : "none of Dashgate's";
}
