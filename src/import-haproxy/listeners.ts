import { listenText } from './addresses.ts';
import { readBindOptions } from './bind-options.ts';
import { conditionOf, isOfPort } from './conditions.ts';
import { type Context, servicesOf } from './context.ts';
import { keepListenersApart } from './listener-clashes.ts';
import type { Bind, ProxySection } from './proxy-section.ts';
import { hasHttpsRedirect } from './redirects.ts';
import { isRedirectOnly, type Parts, type Role } from './roles.ts';

/** Sets where Dashgate listens. */
export function translateListeners(context: Context): void {
  const taken: Bind[] = [];
  for (const parts of servicesOf(context)) taken.push(...translateService(context, parts, taken));
  if (!context.console) {
    context.draft.set('CONSOLE_LISTEN', '', { notes: ['There is no console in the file.'] });
  }
  translateRedirectors(context);
  keepListenersApart(context);
}

/** Gives the addresses that the service has taken. */
function translateService(context: Context, parts: Parts, taken: readonly Bind[]): Bind[] {
  const { draft, ledger } = context;
  const { role, fronts } = parts;
  const setting = role === 'portal' ? 'PORTAL_LISTEN' : 'CONSOLE_LISTEN';
  const usual = role === 'portal' ? 443 : 6080;
  const binds = soundBinds(context, fronts).filter((bind) => isOwn(context, role, bind));
  const free = binds.filter((bind) => !taken.some((other) => clashes(bind, other)));
  const secure = free.filter((bind) => bind.tls || isPassedThrough(fronts, bind));
  const plain = free.filter((bind) => !secure.includes(bind));
  if (secure.length > 0) {
    const port = secure.some((bind) => bind.port === usual) ? usual : secure[0]!.port!;
    const chosen = secure.filter((bind) => bind.port === port);
    listen(context, setting, chosen, port, []);
    for (const { line } of secure.filter((bind) => bind.port !== port)) {
      ledger.drop(line, 'decide', `is a second address over TLS; the ${role} has one, ${setting}`);
    }
    translatePlain(context, parts, plain);
    return chosen;
  }
  if (plain.length > 0) {
    const port = role === 'portal' ? usual : plain[0]!.port!;
    const chosen = role === 'portal' ? plain : plain.filter((bind) => bind.port === port);
    listen(context, setting, chosen, port, [
      `${told(chosen)} without TLS, behind something that ended it (Stud, Pound, hitch): Dashgate ends it itself. Give it the address that browsers use.`,
    ]);
    const second = plain.filter((bind) => !chosen.includes(bind));
    for (const { line } of second) {
      ledger.drop(line, 'decide', `is a second address; the ${role} has one, ${setting}`);
    }
    const http = plain.filter((bind) => bind.port === 80);
    if (role === 'portal' && http.length > 0) {
      listen(context, 'PORTAL_REDIRECT_LISTEN', http, 80, [
        'It served the portal; now it sends browsers to https.',
      ]);
    }
    return chosen;
  }
  // A bind of both services is the portal's, and one of the console alone may have its address, too.
  const shared = taken.filter((bind) => fronts.some((front) => front.binds.includes(bind)));
  const lost = shared.length > 0 ? shared : binds.slice(0, 1);
  const why =
    lost.length > 0
      ? `The ${role} had the address of the portal, told apart by name or path: it needs one of its own, which nova has to know (novncproxy_base_url).`
      : 'No frontend for it was found, so this is the usual port.';
  const lines = lost.map(({ line }) => line);
  const host = lost.length > 0 ? hostOf(lost) : '::';
  draft.set(setting, listenText({ host }, usual), { lines, notes: [why] });
  ledger.carry(...lines);
  return lost.map((bind) => ({ ...bind, port: usual }));
}

/** Whether an address is the service's: those of a frontend of both are the portal's, unless a rule has a port of them for the console. */
function isOwn({ roles, portal, console }: Context, role: Role, bind: Bind): boolean {
  const front = portal?.fronts.find(({ binds }) => binds.includes(bind));
  if (!console || !front || !console.fronts.includes(front)) return true;
  const toConsole = front.routes.some(
    (route) =>
      console.backs.some(({ proxy }) => proxy === roles.backOf(route)) &&
      isOfPort(conditionOf(front, route.condition), bind.port!),
  );
  return toConsole === (role === 'console');
}

/** The addresses beside that of TLS. */
function translatePlain(context: Context, { role, fronts }: Parts, plain: readonly Bind[]): void {
  const redirected = plain.filter((bind) => redirects(fronts, bind));
  const served = plain.filter((bind) => !redirected.includes(bind));
  if (role === 'console') {
    for (const { line } of plain) {
      context.ledger.drop(
        line,
        'decide',
        'serves the console without TLS, which Dashgate does not',
      );
    }
    return;
  }
  if (redirected.length > 0) {
    listen(context, 'PORTAL_REDIRECT_LISTEN', redirected, redirected[0]!.port!, []);
  }
  if (served.length === 0) return;
  listen(context, 'PORTAL_PLAIN_LISTEN', served, served[0]!.port!, [
    'Here the portal is served without TLS: keep it off the public network.',
  ]);
}

function translateRedirectors(context: Context): void {
  const { draft, ledger, portal, redirectors } = context;
  const binds = soundBinds(context, redirectors).filter(({ tls }) => !tls);
  if (!portal || binds.length === 0) return;
  const entry = draft.get('PORTAL_REDIRECT_LISTEN');
  if (entry) {
    for (const { line } of binds) {
      ledger.drop(
        line,
        'decide',
        'is a second address that redirects; PORTAL_REDIRECT_LISTEN has one',
      );
    }
    return;
  }
  const port = binds.some((bind) => bind.port === 80) ? 80 : binds[0]!.port!;
  listen(
    context,
    'PORTAL_REDIRECT_LISTEN',
    binds.filter((bind) => bind.port === port),
    port,
    [],
  );
}

/** Has a setting take some addresses: the one, or all of the host where there are several. */
function listen(
  { draft, ledger }: Context,
  setting: string,
  binds: readonly Bind[],
  port: number,
  notes: readonly string[],
): void {
  const lines = binds.map(({ line }) => line);
  const isOne = binds.every(({ host }) => host === binds[0]?.host);
  const several = isOne ? [] : [`${told(binds)}: now on all addresses.`];
  const text = listenText({ host: hostOf(binds) }, port);
  const problem = draft.set(setting, text, { lines, notes: [...notes, ...several] });
  for (const line of lines) {
    if (problem === undefined) ledger.carry(line);
    else ledger.drop(line, 'decide', `its address is not taken as ${setting}: it ${problem}`);
  }
}

/** The host of some addresses, or that of all addresses where they differ. */
function hostOf(binds: readonly Bind[]): string {
  const hosts = [...new Set(binds.map(({ host }) => host))];
  if (hosts.length === 1) return hosts[0]!;
  return hosts.some((host) => host.includes(':')) ? '::' : '';
}

/** The addresses of TCP; the others, and options that are not carried over, are told. */
function soundBinds({ ledger }: Context, fronts: readonly ProxySection[]): Bind[] {
  const binds = fronts.flatMap((front) => front.binds);
  for (const { line, problem, options } of binds) {
    if (line.problem !== undefined) {
      ledger.drop(line, 'unread', line.problem);
    } else if (problem !== undefined) {
      ledger.drop(
        line,
        'decide',
        `listens on ${problem}; Dashgate listens on one address with a port`,
      );
    }
    for (const { part, group, reason } of readBindOptions(options).drops) {
      ledger.dropPart(line, part, group, reason);
    }
  }
  return binds.filter(({ port }) => port !== undefined);
}

/** In TCP mode, what comes to the port of https is TLS that the servers end. */
function isPassedThrough(fronts: readonly ProxySection[], bind: Bind): boolean {
  const front = fronts.find(({ binds }) => binds.includes(bind));
  return front?.mode === 'tcp' && bind.port === 443;
}

function redirects(fronts: readonly ProxySection[], bind: Bind): boolean {
  const front = fronts.find(({ binds }) => binds.includes(bind));
  return front !== undefined && (isRedirectOnly(front) || hasHttpsRedirect(front));
}

function clashes(a: Bind, b: Bind): boolean {
  return a.port === b.port && (a.host === b.host || [a.host, b.host].some((host) => isAny(host)));
}

function isAny(host: string): boolean {
  return host === '' || host === '::';
}

function told(binds: readonly Bind[]): string {
  const texts = binds.map((bind) => listenText(bind, bind.port!));
  return `HAProxy listened on ${[...new Set(texts)].join(' and ')}`;
}
