import type {
  BackendState,
  ListenerInfo,
  NodeReport,
  ServiceState,
  SharedView,
} from '../admin/state.ts';
import { hostAndPort } from '../config-values.ts';
import { painter, plain } from '../terminal.ts';
import { type Problem, problemsOf } from './problems.ts';
import type { RemoteState } from './remote-state.ts';
import { type Cell, type Column, textTable } from './text-table.ts';

export interface StatusTextOptions {
  /** Of the admin listener. */
  readonly address: string;
  readonly colours: boolean;
}

const CONSOLE = 'console';

/** The state of a gateway for people: a table for each kind of thing, then what is wrong. */
export function statusText(state: RemoteState, { address, colours }: StatusTextOptions): string {
  const paint = painter(colours);
  const lines: string[] = [];
  const section = (title: string, columns: readonly Column[], rows: readonly Cell[][]) => {
    lines.push(paint('bold', plain(title)));
    for (const line of textTable(columns, rows, paint)) lines.push(`  ${line}`);
    lines.push('');
  };
  for (const service of state.services) {
    section(
      `${service.name}: ${loadOf(service)}`,
      BACKEND_COLUMNS,
      service.backends.map(backendRow),
    );
  }
  const consoles = state.services.find(({ name }) => name === CONSOLE);
  if (consoles) section('consoles', CONSOLE_COLUMNS, consoles.backends.map(consoleRow));
  section('memcached', NODE_COLUMNS, nodeRows(state));
  if (state.shared) {
    section('gateways', GATEWAY_COLUMNS, gatewayRows(state.shared, state.services));
    const { decisions } = state.shared;
    if (decisions.length > 0) section('decisions', DECISION_COLUMNS, decisions.map(decisionRow));
  }
  for (const listener of state.gateway?.listeners ?? []) {
    if (listener.waiting) lines.push(paint('yellow', waitingLine(listener)), '');
  }
  const problems = problemsOf(state);
  for (const problem of problems) lines.push(...problemLines(problem));
  const verdict =
    problems.length === 0
      ? paint('green', 'everything is usable')
      : paint('alarm', counted(problems.length, 'problem'));
  const { uptimeSeconds: seconds } = state;
  const up = typeof seconds === 'number' ? `, up for ${age(seconds)}` : '';
  lines.push(`${address}${up}: ${verdict}.`);
  return `${lines.join('\n')}\n`;
}

/** No problem where the address is another host's just now. */
function waitingLine({ name, address, port }: ListenerInfo): string {
  const where = hostAndPort({ host: address, port });
  return plain(`${name} waits for ${where}, which is not on that host.`);
}

function loadOf({ queued, tunnels }: ServiceState): string {
  return `${counted(queued, 'request')} waiting, ${counted(tunnels, 'open websocket')}`;
}

const BACKEND_COLUMNS: readonly Column[] = [
  { name: 'backend' },
  { name: 'state' },
  { name: 'weight', right: true },
  { name: 'active', right: true },
  { name: 'served', right: true },
  { name: 'failed', right: true },
  { name: 'last check' },
];

function backendRow(backend: BackendState): Cell[] {
  const { name, maxconn, lastCheck } = backend;
  const checked = lastCheck
    ? `${lastCheck.detail}, in ${lastCheck.durationMs.toFixed(0)} ms`
    : 'none yet';
  return [
    name,
    stateCell(backend),
    String(backend.weight),
    maxconn ? `${backend.active} of ${maxconn}` : String(backend.active),
    String(backend.claimed),
    String(backend.failed),
    checked,
  ];
}

/** Health, admin state and ejection are separate facts, and told as such. */
function stateCell({ health, adminState, ejected, usable, backup }: BackendState): Cell {
  const facts = [
    health,
    ...(adminState === 'ready' ? [] : [adminState]),
    ...(ejected ? ['ejected'] : []),
    ...(backup ? ['backup'] : []),
  ];
  const text = facts.join(', ');
  if (usable) return { text, colour: health === 'up' ? 'green' : 'yellow' };
  return { text, colour: adminState === 'ready' ? 'alarm' : 'yellow' };
}

const CONSOLE_COLUMNS: readonly Column[] = [
  { name: 'backend' },
  { name: 'open here', right: true },
  { name: 'at other gateways', right: true },
  { name: 'most', right: true },
];

function consoleRow({ name, tunnels, elsewhere, maxconn }: BackendState): Cell[] {
  return [name, String(tunnels), String(elsewhere), maxconn ? String(maxconn) : 'any'];
}

const NODE_COLUMNS: readonly Column[] = [
  { name: 'node' },
  { name: 'state' },
  { name: 'session cache' },
  { name: 'version' },
];

function nodeRows({ memcached, cache }: RemoteState): Cell[][] {
  const copies = new Map(cache?.nodes.map((health) => [health.node, health]));
  const named = new Set(memcached.map(({ node }) => node));
  // While nodes are exchanged, the cache has some that the configuration no longer names.
  const others = [...copies.values()]
    .filter(({ node }) => !named.has(node))
    .map(({ node, reachable, facts, error }): NodeReport => {
      const state = reachable ? 'up' : 'down';
      return { node, state, detail: (reachable ? facts?.version : error) ?? '' };
    });
  return [...memcached, ...others].map(({ node, state, detail }) => [
    node,
    { text: state, colour: state === 'up' ? 'green' : 'alarm' },
    cache ? copyCell(copies.get(node)?.state) : 'off',
    detail,
  ]);
}

function copyCell(state: string | undefined): Cell {
  return { text: state ?? 'unknown', colour: state === 'full' ? 'green' : 'yellow' };
}

const GATEWAY_COLUMNS: readonly Column[] = [
  { name: 'gateway' },
  { name: 'last heard of' },
  { name: 'consoles', right: true },
  { name: 'finds down' },
];

function gatewayRows({ name, peers }: SharedView, services: readonly ServiceState[]): Cell[][] {
  return [
    [name, 'this one', consolesOf(services), downIn(services)],
    ...peers.map((peer) => [
      peer.name,
      `${(peer.ageMs / 1000).toFixed(1)} s ago`,
      consolesOf(peer.services),
      downIn(peer.services),
    ]),
  ];
}

/** What gateways tell of a service, of which the state of one has more. */
interface Beat {
  readonly name: string;
  readonly backends: readonly Pick<BackendState, 'name' | 'tunnels' | 'health'>[];
}

function consolesOf(services: readonly Beat[]): string {
  const backends = services.find(({ name }) => name === CONSOLE)?.backends ?? [];
  return String(backends.reduce((sum, { tunnels }) => sum + tunnels, 0));
}

function downIn(services: readonly Beat[]): Cell {
  const down = services.flatMap(({ name, backends }) =>
    backends.filter(({ health }) => health === 'down').map((backend) => `${name}/${backend.name}`),
  );
  return down.length === 0 ? 'none' : { text: down.join(', '), colour: 'alarm' };
}

const DECISION_COLUMNS: readonly Column[] = [
  { name: 'backend' },
  { name: 'state' },
  { name: 'weight' },
  { name: 'holds for' },
];

function decisionRow({
  subject,
  state,
  weight,
  scope,
  by,
}: SharedView['decisions'][number]): Cell[] {
  const where = scope === 'cluster' ? `all gateways, decided on ${by ?? 'one'}` : 'this gateway';
  return [subject, state, weight === null ? 'as configured' : String(weight), where];
}

function problemLines({ subject, detail, remedy }: Problem): string[] {
  const line = `${plain(subject)} ${plain(detail)}`;
  return remedy === undefined ? [line] : [line, `  → ${plain(remedy)}`];
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function age(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const;
  for (const [size, unit] of units) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${seconds} s`;
}
