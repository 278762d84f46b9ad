import { isIP } from 'node:net';
import { parseBackends } from '../upstream/backend-address.ts';
import type { BackendTls } from '../upstream/backend-tls.ts';
import { hostPort, serverAddress } from './addresses.ts';
import type { Ledger } from './ledger.ts';
import type { Line } from './line.ts';
import type { ProxySection } from './proxy-section.ts';
import { type OptionDrop, readServerOptions, type ServerOptions } from './server-options.ts';

/** A server of a backend, with what `default-server` says of all. */
export interface Server {
  readonly line: Line;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly options: ServerOptions;
  /** Words of its own line that a backend of Dashgate does not have. */
  readonly leftovers: readonly OptionDrop[];
}

/** Gives an explanation for servers without an address that can be used, and leaves them out. */
export function serversOf(proxy: ProxySection, portOfClients: number, ledger: Ledger): Server[] {
  const lines = proxy.section.lines.filter(({ words: [keyword] }) =>
    ['server', 'server-template', 'default-server'].includes(keyword ?? ''),
  );
  const defaults: ServerOptions = {};
  for (const line of [...proxy.all('default-server'), ...proxy.all('no', 'default-server')]) {
    if (proxy.section.lines.includes(line)) continue;
    takeDefaults(line, defaults, ledger);
  }
  const servers: Server[] = [];
  for (const line of lines) {
    if (line.words[0] === 'default-server') takeDefaults(line, defaults, ledger);
    else servers.push(...serverOf(line, defaults, portOfClients, ledger));
  }
  return servers;
}

function takeDefaults(line: Line, defaults: ServerOptions, ledger: Ledger): void {
  ledger.carry(line);
  for (const { part, group, reason } of readServerOptions(line.words.slice(1), defaults)) {
    ledger.dropPart(line, part, group, reason);
  }
}

function serverOf(
  line: Line,
  defaults: ServerOptions,
  portOfClients: number,
  ledger: Ledger,
): Server[] {
  // It is told with the lines that are not understood.
  if (line.problem !== undefined) return [];
  const template = line.words[0] === 'server-template';
  const [, name = '', ...rest] = line.words;
  const [address = '', ...words] = template ? rest.slice(1) : rest;
  const where = serverAddress(address);
  const port =
    where?.port.kind === 'fixed' ? where.port.port : portOfClients + (where?.port.offset ?? 0);
  if (!where || port < 1 || port > 65_535) {
    ledger.drop(line, 'decide', 'has an address that is no host with a port of TCP');
    return [];
  }
  const options = { ...defaults };
  const leftovers = readServerOptions(words, options);
  if (options.disabled || options.weight === 0) {
    const why = options.disabled ? 'is disabled' : 'has weight 0, so it takes no work';
    ledger.drop(line, 'decide', `${why}: add it to the list of backends when it is to serve`);
    return [];
  }
  if (template) {
    ledger.dropPart(
      line,
      `server-template … ${rest[0] ?? ''}`,
      'builtin',
      'a name with several addresses is one backend, of which the resolver gives an address; list the addresses to have each balanced and checked by itself',
    );
  }
  return [{ line, name, host: where.host, port, options, leftovers }];
}

/** The entry of a server in a list of backends. */
export function backendText(server: Server, name: string | undefined, https: boolean): string {
  const { host, port, options } = server;
  const { weight, maxconn, backup, verify, caFile, serverName, sendProxy } = options;
  const words = [`${https ? 'https' : 'http'}://${hostPort(host, port)}`];
  if (name !== undefined) words.push(`name=${name}`);
  if (weight !== undefined && weight !== 1) words.push(`weight=${weight}`);
  if (maxconn) words.push(`maxconn=${maxconn}`);
  if (backup) words.push('backup');
  if (https && verify === false) words.push('verify=off');
  else if (https && caFile && !caFile.startsWith('@')) words.push(`ca=${caFile}`);
  if (https && serverName && isIP(serverName) === 0) words.push(`sni=${serverName}`);
  if (sendProxy) words.push(sendProxy === 'v1' ? 'send-proxy' : 'send-proxy-v2');
  return words.join(' ');
}

/** What is wrong with an entry of a list of backends; undefined where nothing is. */
export function backendProblem(text: string): string | undefined {
  const problems: string[] = [];
  // The files that it names are looked at when the gateway starts.
  parseBackends(
    text,
    (problem) => problems.push(problem),
    () => ({}) as BackendTls,
  );
  return problems.length > 0 ? problems.join('; ') : undefined;
}
