import { type Context, proxiesOf, servicesOf } from './context.ts';
import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';
import { reasonInGlobal, reasonInProxy } from './reasons.ts';
import { kindOfName } from './roles.ts';
import type { Section } from './sections.ts';

const SECTIONS: ReadonlyMap<string, string> = new Map([
  ['peers', 'gateways share what they have to through memcached'],
  ['resolvers', "names are resolved by the system's resolver"],
  ['userlist', 'names and passwords are asked by the dashboard, not by the gateway'],
  ['mailers', 'nobody is told by mail: watch the log or /readyz'],
  ['cache', 'answers are not cached'],
  ['program', 'other programs are for the service manager'],
  ['http-errors', 'Dashgate has error pages of its own'],
  ['crt-store', 'certificates are named by TLS_CERT and TLS_KEY'],
]);

/** Gives every line that nothing was made of its reason. */
export function explainTheRest(
  context: Context,
  sections: readonly Section[],
  proxies: readonly ProxySection[],
): void {
  const used = new Set<ProxySection>(servicesOf(context).flatMap(proxiesOf));
  if (context.portal) for (const proxy of context.redirectors) used.add(proxy);
  const ours = new Set<Section>(
    [...used].flatMap(({ section, defaults }) => [section, ...defaults]),
  );
  const disabled = new Set(proxies.filter((proxy) => proxy.disabled).map(({ section }) => section));
  for (const section of sections) {
    if (section.kind === 'global') explainGlobal(context, section);
    else if (ours.has(section)) explainOurs(context, section);
    else explainOther(context, section, disabled.has(section));
  }
}

function explainGlobal({ ledger }: Context, { head, lines }: Section): void {
  for (const line of lines) {
    if (!ledger.isSettled(line)) ledger.drop(line, ...reasonInGlobal(line));
  }
  ledger.carry(head);
}

function explainOurs({ ledger }: Context, { head, lines }: Section): void {
  if (head.problem === undefined) ledger.carry(head);
  else ledger.drop(head, 'unread', head.problem);
  for (const line of lines) {
    if (ledger.isSettled(line)) continue;
    if (line.words[0] === 'mode' && line.words[1] === 'http') ledger.carry(line);
    else ledger.drop(line, ...reasonInProxy(line));
  }
}

function explainOther({ ledger }: Context, section: Section, disabled: boolean): void {
  const reason = disabled ? 'is disabled' : whatItIs(section);
  for (const line of [section.head, ...section.lines]) {
    if (ledger.isSettled(line)) continue;
    if (line.problem === undefined) ledger.drop(line, groupOf(section), reason);
    else ledger.drop(line, 'unread', line.problem);
  }
}

function groupOf({ kind, lines }: Section): 'builtin' | 'elsewhere' | 'host' {
  if (kind === 'frontend' || kind === 'backend' || kind === 'listen') {
    return isStatistics(lines) ? 'builtin' : 'elsewhere';
  }
  if (kind === 'defaults') return 'elsewhere';
  return SECTIONS.has(kind) ? 'builtin' : 'host';
}

function whatItIs({ kind, name, lines }: Section): string {
  if (kind === 'defaults') return 'these defaults apply to no portal and no console';
  const section = SECTIONS.get(kind);
  if (section !== undefined) return section;
  if (!['frontend', 'backend', 'listen'].includes(kind))
    return `a ${kind} section has no counterpart`;
  if (isStatistics(lines)) return 'Dashgate has a status page of its own, on ADMIN_LISTEN';
  const known = kindOfName(name);
  if (typeof known === 'object')
    return `${kind} ${name} is ${known.other}, no dashboard and no console`;
  if (known !== undefined) return `no frontend that is carried over leads to ${kind} ${name}`;
  return `${kind} ${name} is no dashboard and no console, by its name and its port`;
}

function isStatistics(lines: readonly Line[]): boolean {
  const words = lines.map(({ words: [first] }) => first);
  return words.includes('stats') && !words.includes('server');
}
