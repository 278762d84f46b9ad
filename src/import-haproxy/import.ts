import { translateAddressLimits } from './address-limits.ts';
import { translateBalance } from './balance.ts';
import { translateCertificates } from './certificates.ts';
import { translateCheck, translatePace } from './checks.ts';
import { type Context, proxiesOf, servicesOf } from './context.ts';
import { Draft } from './draft.ts';
import { translateEjection } from './ejection.ts';
import { type Drop, Ledger } from './ledger.ts';
import { translateLimits, translateTimeouts } from './limits.ts';
import type { Line, Variables } from './line.ts';
import { translateListeners } from './listeners.ts';
import { translateAffinity, translatePool } from './pools.ts';
import { ProxySection } from './proxy-section.ts';
import { explainTheRest } from './remainder.ts';
import { isRedirectOnly, type RoleNames, Roles } from './roles.ts';
import { translateRules } from './rules.ts';
import { readSections, type SourceFile } from './sections.ts';
import { translateTrust } from './trust.ts';

export interface ImportOptions extends RoleNames {
  /** Keep sticky sessions, which shared ones make unnecessary. */
  readonly keepAffinity?: boolean;
  /** The environment that HAProxy would see. */
  readonly environment?: Variables;
}

/** What comes of HAProxy's configuration. */
export interface Imported {
  readonly draft: Draft;
  /** All lines that say something, in order. */
  readonly lines: readonly Line[];
  isCarried(line: Line): boolean;
  /** What was not carried over of a line: all of it, some of its words, or nothing. */
  dropsOf(line: Line): readonly Drop[];
}

/** The files have nothing that Dashgate could take over; the message says what they do have. */
export class NothingToImport extends Error {}

/** Most sections of all files together. */
const MAX_SECTIONS = 5_000;

/**
 * Reads HAProxy's configuration, as files in the order in which HAProxy is given them.
 * @throws NothingToImport where neither a portal nor a console is in it.
 */
export function importHaproxy(files: readonly SourceFile[], options: ImportOptions): Imported {
  const read = readSections(files, options.environment ?? (() => undefined));
  const { sections, strays, lines } = read;
  if (sections.length > MAX_SECTIONS) {
    throw new NothingToImport(
      `there are more than ${MAX_SECTIONS} sections, so this is no file of HAProxy's`,
    );
  }
  const ledger = new Ledger();
  for (const { line, reason } of strays) ledger.drop(line, 'unread', reason);
  const all = sections
    .filter(({ kind }) => ['frontend', 'backend', 'listen'].includes(kind))
    .map((section) => new ProxySection(section));
  const proxies = all.filter((proxy) => proxy.disabled === undefined);
  const roles = new Roles(proxies, options);
  assertNamed(proxies, options);
  const context: Context = {
    draft: new Draft(),
    ledger,
    roles,
    portal: roles.partsOf('portal'),
    console: roles.partsOf('console'),
    redirectors: proxies.filter(
      (proxy) => isRedirectOnly(proxy) && typeof roles.kind(proxy) !== 'object',
    ),
    globals: sections.filter(({ kind }) => kind === 'global'),
    keepAffinity: options.keepAffinity ?? false,
  };
  if (!context.portal && !context.console) throw new NothingToImport(nothingIn(files, all));
  translate(context);
  explainTheRest(context, sections, all);
  return {
    draft: context.draft,
    lines,
    isCarried: (line) => ledger.isCarried(line),
    dropsOf: (line) => ledger.dropsOf(line),
  };
}

function translate(context: Context): void {
  translateListeners(context);
  translateCertificates(context);
  const servers = servicesOf(context).flatMap((parts) => {
    const pool = translatePool(context, parts);
    translateAffinity(context, parts);
    translateBalance(context, parts);
    translateCheck(context, parts, pool);
    translateEjection(context, parts, pool);
    return pool;
  });
  if (!context.portal) {
    const note =
      'To fill in: there is no dashboard in the file. Name its section with --portal, if it is one.';
    context.draft.set('PORTAL_BACKENDS', '', { blank: true, notes: [note] });
  }
  translatePace(context, servers);
  translateTimeouts(context);
  translateLimits(context, servers);
  translateTrust(context);
  translateAddressLimits(context);
  translateRules(context);
  rootRedirect(context);
  for (const parts of servicesOf(context)) {
    for (const proxy of proxiesOf(parts)) context.ledger.carry(proxy.section.head);
  }
}

/** HAProxy passes `/` on, unless a rule or the path of the check shows where the dashboards are. */
function rootRedirect({ draft, portal }: Context): void {
  if (!portal || draft.get('PORTAL_ROOT_REDIRECT')) return;
  const path = draft.get('PORTAL_HEALTH_PATH')?.value ?? '';
  const prefix = /^\/(dashboard|horizon)(?=\/|$)/.exec(path)?.[0];
  if (prefix) {
    draft.set('PORTAL_ROOT_REDIRECT', `${prefix}/`, {
      notes: ['As the path of the check has it.'],
    });
    return;
  }
  draft.set('PORTAL_ROOT_REDIRECT', '', {
    notes: [
      'As HAProxy, / is passed on. Where the dashboards live at /dashboard/, write that, and Apache needs no RedirectMatch.',
    ],
  });
}

function assertNamed(proxies: readonly ProxySection[], { portal, console }: RoleNames): void {
  for (const [option, name] of Object.entries({ portal, console })) {
    if (name === undefined || proxies.some((proxy) => proxy.name === name)) continue;
    throw new NothingToImport(
      `--${option} ${name}: there is no such frontend, backend or listen section; there are ${namesOf(proxies)}`,
    );
  }
}

function nothingIn(files: readonly SourceFile[], proxies: readonly ProxySection[]): string {
  const names = files.map(({ name }) => name).join(', ');
  if (proxies.length === 0) {
    return `${names}: there is no frontend, backend or listen section, so this is no configuration of HAProxy's`;
  }
  return `${names}: none of its sections is a dashboard or a noVNC console by its name or port (${namesOf(proxies)}); where one is, name it with --portal NAME or --console NAME`;
}

function namesOf(proxies: readonly ProxySection[]): string {
  const names = [...new Set(proxies.map(({ name }) => name))];
  const more = names.length > 12 ? ` and ${names.length - 12} more` : '';
  return `${names.slice(0, 12).join(', ')}${more}`;
}
