import { setTimeout as delay } from 'node:timers/promises';
import { openSocketsOf } from '../../../support/process-sockets.ts';
import type { Gateway } from '../cluster/gateway.ts';
import type { Part, PartKind } from '../cluster/part.ts';
import type { Site } from '../cluster/site.ts';
import type { Front } from '../load/front.ts';
import type { Hits } from './hits.ts';

/** To whom things happen. */
export interface Stage {
  readonly site: Site;
  readonly gateways: readonly [Gateway, Gateway];
  readonly front: Front;
  readonly hits: Hits;
  readonly random: () => number;
}

/** Something that happens to one part of the cluster, and is undone. */
export interface Fault {
  readonly name: string;
  /** As the table has it. */
  readonly title: string;
  /** Resolves when it is undone, with the name of whom it happened to; undefined: there is nobody. */
  happen(stage: Stage): Promise<string | undefined>;
}

/** For how long parts are gone, stand still, are slow, or are cut off, in ms. */
const GONE_MS = 5_000;
const PAUSED_MS = 8_000;
const SLOW_MS = 6_000;
/** Longer than health checks take to notice it. */
const SILENT_MS = 18_000;
/** How much later everything comes from who is slow, in each direction, in ms. */
const LATE_MS = { dashboard: 300, console: 300, node: 60 } as const;
/** When the cluster moves the address of a gateway that stands still, in ms. */
const MOVE_MS = 3_000;
/** Less than it takes the supervisor to end a worker for it. */
const WORKER_PAUSED_MS = 5_000;

function pick<T>(stage: Stage, some: readonly T[]): T {
  return some[Math.floor(stage.random() * some.length)]!;
}

const PARTS = {
  dashboard: ({ dashboards }: Site) => dashboards,
  console: ({ consoles }: Site) => consoles,
  node: ({ nodes }: Site) => nodes,
} as const;

const TITLES = {
  dashboard: 'a dashboard',
  console: 'a console',
  node: 'a memcached node',
} as const;

/** What happens to servers behind the gateways, and how. */
const TROUBLES: readonly (readonly [
  name: string,
  title: string,
  happen: (part: Part) => Promise<void>,
])[] = [
  [
    'killed',
    'is killed (SIGKILL), back after 5 s',
    async (part) => {
      await part.kill();
      await delay(GONE_MS);
      await part.restart();
    },
  ],
  [
    'paused',
    'stands still (SIGSTOP) for 8 s',
    async (part) => {
      part.pause();
      await delay(PAUSED_MS);
      part.resume();
    },
  ],
  [
    'slow',
    'is slow for 6 s',
    async ({ kind, way }) => {
      way.slow(LATE_MS[kind]);
      await delay(SLOW_MS);
      way.mend();
    },
  ],
  [
    'refusing',
    'refuses connections for 5 s',
    async ({ way }) => {
      way.refuse();
      await delay(GONE_MS);
      way.mend();
    },
  ],
  [
    'silent',
    'is cut off, silently, for 18 s',
    async ({ way }) => {
      way.cut();
      await delay(SILENT_MS);
      way.mend();
    },
  ],
];

function partFaults(kind: PartKind): Fault[] {
  return TROUBLES.map(([name, title, happen]) => ({
    name: `${kind}-${name}`,
    title: `${TITLES[kind]} ${title}`,
    async happen(stage) {
      const part = pick(stage, PARTS[kind](stage.site));
      const hit = stage.hits.begin(part.name);
      await happen(part);
      hit.until = performance.now();
      return part.name;
    },
  }));
}

const GATEWAYS: readonly Fault[] = [
  {
    name: 'gateway-killed',
    title: 'a gateway is killed (SIGKILL, all of it), back after 5 s',
    async happen(stage) {
      const gateway = pick(stage, stage.gateways);
      const hit = stage.hits.begin(gateway.name);
      stage.front.moveAway(gateway);
      await gateway.kill();
      await delay(GONE_MS);
      await gateway.restart();
      return back(stage, gateway, hit);
    },
  },
  {
    name: 'gateway-paused',
    title: 'a gateway stands still (SIGSTOP) for 8 s',
    async happen(stage) {
      const gateway = pick(stage, stage.gateways);
      const hit = stage.hits.begin(gateway.name);
      gateway.pause();
      await delay(MOVE_MS);
      stage.front.moveAway(gateway);
      await delay(PAUSED_MS - MOVE_MS);
      gateway.resume();
      return back(stage, gateway, hit);
    },
  },
  {
    name: 'reload',
    title: 'a gateway reads its configuration anew',
    async happen(stage) {
      const gateway = pick(stage, stage.gateways);
      gateway.reload();
      await delay(GONE_MS);
      return gateway.name;
    },
  },
];

/** Clients go to it again. */
function back({ front }: Stage, gateway: Gateway, hit: { until: number }): string {
  front.moveBack(gateway);
  hit.until = performance.now();
  return gateway.name;
}

function workerFault(name: string, title: string, happen: (pid: number) => Promise<void>): Fault {
  return {
    name,
    title,
    async happen(stage) {
      const gateway = pick(stage, stage.gateways);
      const workers = await gateway.workers();
      // Its choice is made all the same, so that what follows is the same for each front door.
      const chosen = stage.random();
      if (workers.length === 0) return undefined;
      const pid = workers[Math.floor(chosen * workers.length)]!;
      // Nothing comes to it while it is looked at.
      process.kill(pid, 'SIGSTOP');
      const { portal, console } = gateway.ports;
      const clients = openSocketsOf(pid).filter(
        ({ localPort }) => localPort === portal || localPort === console,
      );
      const ports = new Set(clients.map(({ remotePort }) => remotePort));
      const hit = stage.hits.begin(gateway.name, ports);
      await happen(pid);
      hit.until = performance.now();
      return `a worker of ${gateway.name}`;
    },
  };
}

const WORKERS: readonly Fault[] = [
  workerFault('worker-killed', 'a worker is killed (SIGKILL)', async (pid) => {
    process.kill(pid, 'SIGKILL');
    await delay(GONE_MS);
  }),
  workerFault('worker-paused', 'a worker stands still (SIGSTOP) for 5 s', async (pid) => {
    await delay(WORKER_PAUSED_MS);
    process.kill(pid, 'SIGCONT');
  }),
];

/** Everything that can happen. */
export const FAULTS: readonly Fault[] = [
  ...partFaults('dashboard'),
  ...partFaults('console'),
  ...partFaults('node'),
  ...WORKERS,
  ...GATEWAYS,
];
