import { type Condition, conditionOf, isPlainOnly, pathsOf } from './conditions.ts';
import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';

/** A rule that answers with a redirect. */
export interface Redirect {
  readonly line: Line;
  readonly kind: 'scheme' | 'location' | 'prefix';
  readonly to: string;
  /** The status code that the line has. */
  readonly code: string | undefined;
  readonly condition: Condition;
}

/** The redirects of a frontend or backend: `redirect …` and `http-request redirect …`. */
export function redirectsOf(proxy: ProxySection): Redirect[] {
  const lines = [...proxy.all('redirect'), ...proxy.all('http-request', 'redirect')];
  return lines.flatMap((line) => redirectOf(proxy, line) ?? []);
}

/** The redirect of one line; undefined where it is none that is understood. */
export function redirectOf(proxy: ProxySection, line: Line): Redirect | undefined {
  const words = line.words.slice(line.words[0] === 'redirect' ? 1 : 2);
  const [kind, to = ''] = words;
  if (kind !== 'scheme' && kind !== 'location' && kind !== 'prefix') return undefined;
  const code = words.includes('code') ? words[words.indexOf('code') + 1] : undefined;
  return { line, kind, to, code, condition: conditionOf(proxy, words) };
}

/** Sends those who came without TLS to https, all of them or, by its other conditions, some. */
export function isHttpsRedirect({ kind, to, condition }: Redirect): boolean {
  if (kind === 'scheme') return to === 'https';
  const always = condition.alternatives.length === 0;
  return to.startsWith('https://') && (always || isPlainOnly(condition));
}

/** Whether it makes no difference between those who came without TLS. */
function isForAll({ condition }: Redirect): boolean {
  const { alternatives } = condition;
  return (
    alternatives.length === 0 ||
    (isPlainOnly(condition) && alternatives.every((tests) => tests.length === 1))
  );
}

/** What the listener that sends browsers to https does otherwise than a redirect. */
export function differencesOf(redirect: Redirect): { part: string; reason: string }[] {
  const { line, kind, to, code } = redirect;
  const differences: { part: string; reason: string }[] = [];
  if (!isForAll(redirect)) {
    const at = line.words.findIndex((word) => word === 'if' || word === 'unless');
    const reason = 'PORTAL_REDIRECT_LISTEN sends everybody to https, without exceptions';
    differences.push({ part: line.words.slice(at).join(' '), reason });
  }
  if (kind !== 'scheme' && !/^https:\/\/%\[(?:req\.)?hdr\(host\)/i.test(to)) {
    const reason =
      'PORTAL_REDIRECT_LISTEN sends browsers to the host name and the path that they asked for; where only another name is right, have the name that they use lead there';
    differences.push({ part: `${kind} ${to}`, reason });
  }
  if (code !== undefined && code !== '301' && code !== '308') {
    const reason = 'PORTAL_REDIRECT_LISTEN redirects for good: 301, and 308 where it is no GET';
    differences.push({ part: `code ${code}`, reason });
  }
  return differences;
}

/** Whether those who come to a frontend without TLS are sent to https. */
export function hasHttpsRedirect(proxy: ProxySection): boolean {
  return redirectsOf(proxy).some(isHttpsRedirect);
}

/** Where a redirect sends those who ask for `/`; undefined where it does not. */
export function rootTarget({ kind, to, condition }: Redirect): string | undefined {
  const paths = pathsOf(condition);
  if (kind !== 'location' || !paths?.exact || paths.paths.some((path) => path !== '/'))
    return undefined;
  return to.replace(/^https?:\/\/[^/]*/i, '') || undefined;
}
