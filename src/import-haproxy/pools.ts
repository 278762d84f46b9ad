import { hostPort } from './addresses.ts';
import type { Context } from './context.ts';
import type { Back, Parts } from './roles.ts';
import { backendProblem, backendText, type Server, serversOf } from './servers.ts';

const COOKIE =
  'is not needed: the dashboards share their sessions through memcached, so any of them serves any request, and the loss of one logs nobody out. To keep it as it was, import with --keep-affinity (PORTAL_AFFINITY=cookie)';
const CONSOLE_COOKIE = 'is not needed: a websocket stays with its backend for its own life';

/** The servers of a service, each address once. */
interface Member {
  readonly server: Server;
  readonly https: boolean;
  readonly websockets: boolean;
}

/** Sets the backends of a service; gives its servers, for what their options say of checks. */
export function translatePool(context: Context, parts: Parts): readonly Server[] {
  const { draft, ledger, keepAffinity } = context;
  const setting = parts.role === 'portal' ? 'PORTAL_BACKENDS' : 'CONSOLE_BACKENDS';
  const members = parts.backs.flatMap((back) => membersOf(context, parts, back));
  const merged = new Map<string, Member>();
  for (const member of members) {
    const key = hostPort(member.server.host.toLowerCase(), member.server.port);
    const first = merged.get(key);
    merged.set(key, first ? together(first, member) : member);
  }
  const names = new Set<string>();
  const entries: string[] = [];
  for (const { server, https } of merged.values()) {
    const name = nameOf(server, keepAffinity && parts.role === 'portal', names);
    const text = backendText(server, name, https);
    const problem = backendProblem(text);
    if (problem !== undefined) {
      ledger.drop(server.line, 'decide', `is no backend of Dashgate's: its entry ${problem}`);
      continue;
    }
    entries.push(text);
  }
  for (const { server } of members) settle(context, parts, server);
  const lines = members.map(({ server }) => server.line);
  const notes = notesOf(parts, [...merged.values()]);
  if (entries.length > 0) {
    draft.set(setting, entries.join(', '), { lines, notes });
  } else {
    const why = `To fill in: none of the servers of the ${parts.role} in the file takes work.`;
    draft.set(setting, '', { blank: true, notes: [why] });
  }
  return members.map(({ server }) => server);
}

function membersOf({ ledger, globals }: Context, { role, fronts }: Parts, back: Back): Member[] {
  const { proxy, websockets } = back;
  const bind = fronts.flatMap(({ binds }) => binds).find(({ port }) => port !== undefined);
  const port = bind?.port ?? (role === 'portal' ? 80 : 6080);
  const passedThrough = proxy.mode === 'tcp' && bind?.tls === false;
  const unverified = globals.some(({ lines }) =>
    lines.some(({ words: [word, value] }) => word === 'ssl-server-verify' && value === 'none'),
  );
  return serversOf(proxy, port, ledger).map((server) => {
    const https =
      server.options.tls ?? (passedThrough && (server.port === 443 || bind.port === 443));
    if (server.options.tls && unverified) server.options.verify ??= false;
    const base = globals
      .flatMap(({ lines }) => lines)
      .find(({ words: [word] }) => word === 'ca-base');
    const { caFile } = server.options;
    if (base && caFile && !/^[/@]/.test(caFile)) {
      server.options.caFile = `${base.words[1]}/${caFile}`;
      ledger.carry(base);
    }
    return { server, https, websockets };
  });
}

/** Two servers at one address are one backend; where websockets had limits of their own, those count. */
function together(first: Member, second: Member): Member {
  const [leading, other] =
    second.websockets && !first.websockets ? [second, first] : [first, second];
  const options = { ...other.server.options, ...leading.server.options };
  if (leading.server.options.backup !== other.server.options.backup) delete options.backup;
  return { ...first, https: first.https || second.https, server: { ...first.server, options } };
}

/** Its cookie's value where that is to stay, its name otherwise; undefined where it will not do. */
function nameOf(server: Server, byCookie: boolean, names: Set<string>): string | undefined {
  const name = (byCookie ? server.options.cookie : undefined) ?? server.name;
  const taken = names.has(name) || backendProblem(`http://x name=${name}`) !== undefined;
  if (taken || /[\s,]/.test(name)) return undefined;
  names.add(name);
  return name;
}

/** What becomes of the line of a server and of its single words. */
function settle({ ledger, keepAffinity }: Context, { role }: Parts, server: Server): void {
  const { line, options, leftovers, port } = server;
  ledger.carry(line);
  for (const { part, group, reason } of leftovers) ledger.dropPart(line, part, group, reason);
  if (options.cookie !== undefined && line.words.includes('cookie')) {
    const part = `cookie ${options.cookie}`;
    if (role === 'console') ledger.dropPart(line, part, 'builtin', CONSOLE_COOKIE);
    else if (!keepAffinity) ledger.dropPart(line, part, 'builtin', COOKIE);
  }
  if (options.checkPort !== undefined && options.checkPort !== String(port)) {
    const reason = 'checks go to the port that requests go to';
    ledger.dropPart(line, `port ${options.checkPort}`, 'decide', reason);
  }
}

function notesOf({ role, backs }: Parts, members: readonly Member[]): string[] {
  const notes: string[] = [];
  const split = backs.some(({ websockets }) => websockets);
  if (split) {
    notes.push(
      'Pages and websockets of a console have one pool, merged by address: all of these take websockets now.',
    );
  } else if (backs.length > 1) {
    notes.push('Several backends of the file are one pool here, merged by address.');
  }
  const verified = members.filter(({ https, server }) => https && server.options.verify !== false);
  if (verified.length > 0) {
    notes.push(
      'Certificates of these backends are verified with their names: add sni=NAME where theirs is another, ca=FILE where an authority of your own has issued them.',
    );
  }
  if (members.some(({ https, server }) => https && !server.options.tls)) {
    notes.push(`HAProxy passed TLS through to the ${role}; it ends here now and begins anew.`);
  }
  return notes;
}

/** Sets or explains what keeps a client at one server. */
export function translateAffinity(context: Context, parts: Parts): void {
  const { draft, ledger, keepAffinity } = context;
  const proxies = [...new Set([...parts.fronts, ...parts.backs.map(({ proxy }) => proxy)])];
  for (const proxy of proxies) {
    const [cookie] = proxy.all('cookie').slice(-1);
    for (const line of [
      ...proxy.all('cookie'),
      ...proxy.all('stick'),
      ...proxy.all('appsession'),
    ]) {
      if (parts.role === 'console') ledger.drop(line, 'builtin', CONSOLE_COOKIE);
      else if (line !== cookie || !keepAffinity) ledger.drop(line, 'builtin', COOKIE);
    }
    if (!cookie || !keepAffinity || parts.role !== 'portal' || !proxy.isBack) continue;
    const [, name = '', ...words] = cookie.words;
    const problem = draft.set('PORTAL_AFFINITY_COOKIE', name, { lines: [cookie] });
    if (problem !== undefined) {
      ledger.drop(cookie, 'decide', `has a name that is not taken: it ${problem}`);
      continue;
    }
    draft.set('PORTAL_AFFINITY', 'cookie', { lines: [cookie] });
    ledger.carry(cookie);
    const rest = words
      .filter((word) => !['insert', 'indirect', 'nocache'].includes(word))
      .join(' ');
    if (rest !== '') {
      const reason =
        'the cookie is always of the kind insert indirect nocache, for as long as the browser is open';
      ledger.dropPart(cookie, rest, 'decide', reason);
    }
  }
}
