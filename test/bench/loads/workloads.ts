import { type Cores, sharedCores } from '../cores.ts';
import { OBSERVABILITY } from '../observability.ts';
import { PAGES } from '../origin/origins.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { SCALING } from '../scaling.ts';
import { handshakeSession } from './handshake.ts';
import { uploadSession } from './upload.ts';
import { websocketSession } from './websocket.ts';
import type { SteadyWorkload, Workload } from './workload.ts';
import { steadyWrk, wrkSession } from './wrk.ts';

const MIB = 1024 * 1024;
const [SMALL, LARGE] = PAGES;

/**
 * What runs once for each connection is compiled last: a handshake with Dashgate costs less and less until it has
 * done some 15,000, for it runs through much of Node that is optimised only after some thousand calls. A gateway
 * has done them soon after its start.
 */
const HANDSHAKE_WARM_UP = 8;

/** A collector whose heap has just grown by thousands of tunnels marks it two or three times more, then hardly ever. */
const IDLE_WARM_UP = 3;

type Gets = Pick<SteadyWorkload, 'open' | 'steady'>;

/** From wherever the bench runs, or from each of some cores. */
function gets(
  urlOf: (target: RunningPeer) => string,
  bodyBytes: number,
  coresOf: (cores: Cores) => readonly (number | undefined)[] = () => [undefined],
): Gets {
  return {
    open: async (target, cores) => wrkSession(urlOf(target), bodyBytes, coresOf(cores)),
    steady: (target, cores, mostSeconds) =>
      steadyWrk(urlOf(target), bodyBytes, coresOf(cores), mostSeconds),
  };
}

const smallUrl = ({ portal }: RunningPeer) => `https://127.0.0.1:${portal}${SMALL.path}`;
const smallOverTls = gets(smallUrl, SMALL.bytes);

/** Loads that are measured together, so that what the host does meanwhile hits all. */
interface Related<W extends Workload> {
  readonly name: string;
  readonly workloads: readonly W[];
  /** Of these peers only: the growth that is looked for costs time. */
  readonly peers?: readonly string[];
}

/** Loads that take turns, of a second and more. */
export interface TurnGroup extends Related<Workload> {
  readonly sliced?: undefined;
}

/** Loads that take slices of time: with one, peers are compared; several are compared with each other as well. */
export interface SliceGroup extends Related<SteadyWorkload> {
  readonly sliced: true;
}

export interface Sizes {
  readonly tunnels: number;
}

/** Every load whose CPU is measured; the groups with several members show growth. */
export function workloadGroups({ tunnels }: Sizes): (TurnGroup | SliceGroup)[] {
  const usual = { backends: 3, idleTunnels: 0 };
  const single = (workload: Workload): TurnGroup => ({
    name: workload.name,
    workloads: [workload],
  });
  const sliced = (workload: SteadyWorkload): SliceGroup => ({
    name: workload.name,
    workloads: [workload],
    sliced: true,
  });
  return [
    sliced({
      ...usual,
      name: 'plain-1k',
      title: '1 KiB GET, keep-alive, plain',
      plain: true,
      ...gets(({ plain }) => `http://127.0.0.1:${plain}${SMALL.path}`, SMALL.bytes),
    }),
    sliced({
      ...usual,
      name: 'tls-1k',
      title: '1 KiB GET, keep-alive, TLS',
      ...smallOverTls,
    }),
    sliced({
      ...usual,
      name: 'tls-100k',
      title: '100 KiB GET, keep-alive, TLS',
      ...gets(({ portal }) => `https://127.0.0.1:${portal}${LARGE.path}`, LARGE.bytes),
    }),
    single({
      ...usual,
      name: 'upload-10m',
      title: '10 MiB upload, TLS',
      open: async ({ console }) => uploadSession(console, 10 * MIB),
    }),
    single({
      ...usual,
      name: 'handshake',
      title: 'TLS handshake, full, P-256, X25519',
      warmUp: HANDSHAKE_WARM_UP,
      open: async ({ portal }) => handshakeSession(portal),
    }),
    single({
      ...usual,
      name: 'websocket',
      title: `websocket echo, 64 B, ${tunnels} tunnels`,
      open: ({ console }) => websocketSession(console, tunnels),
    }),
    {
      name: 'backends',
      peers: ['dashgate', 'haproxy'],
      sliced: true,
      workloads: [1, 8, 64].map((backends) => ({
        name: `backends-${backends}`,
        title: `1 KiB GET, TLS, ${backends} backend${backends === 1 ? '' : 's'}`,
        backends,
        idleTunnels: 0,
        ...smallOverTls,
      })),
    },
    {
      name: 'idle',
      peers: ['dashgate', 'haproxy'],
      sliced: true,
      workloads: [0, 1_000, 8_192].map((idleTunnels) => ({
        name: `idle-${idleTunnels}`,
        title: `1 KiB GET, TLS, ${idleTunnels} idle tunnels`,
        backends: 3,
        idleTunnels,
        warmUp: IDLE_WARM_UP,
        ...smallOverTls,
      })),
    },
    {
      name: SCALING.group,
      peers: ['dashgate', 'haproxy'],
      sliced: true,
      workloads: [SCALING.one, SCALING.two].map((name, i) => ({
        name,
        title: `1 KiB GET, TLS, ${i + 1} of 2 cores: a worker and a load on each`,
        backends: 3,
        idleTunnels: 0,
        workers: i + 1,
        ...gets(smallUrl, SMALL.bytes, (cores) => sharedCores(cores, i + 1)),
      })),
    },
    {
      name: OBSERVABILITY.group,
      peers: ['dashgate'],
      sliced: true,
      workloads: [
        {
          ...usual,
          name: OBSERVABILITY.unobserved,
          title: '1 KiB GET, TLS, no metrics, no access log',
          settings: { METRICS: 'off', ACCESS_LOG: 'off' },
          ...smallOverTls,
        },
        {
          ...usual,
          name: OBSERVABILITY.observed,
          title: '1 KiB GET, TLS, metrics and access log',
          settings: { METRICS: 'on', ACCESS_LOG: 'stdout' },
          ...smallOverTls,
        },
      ],
    },
  ];
}
