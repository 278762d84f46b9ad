import { type Cores, sharedCores } from '../cores.ts';
import { OBSERVABILITY } from '../observability.ts';
import { PAGES } from '../origin/origins.ts';
import type { RunningPeer } from '../peers/peer.ts';
import { SCALING } from '../scaling.ts';
import { handshakeSession } from './handshake.ts';
import { uploadSession } from './upload.ts';
import { websocketSession } from './websocket.ts';
import type { GrowthWorkload, Workload } from './workload.ts';
import { steadyWrk, wrkOnCores, wrkSession } from './wrk.ts';

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

const smallUrl = ({ portal }: RunningPeer) => `https://127.0.0.1:${portal}${SMALL.path}`;

const smallOverTls = async (target: RunningPeer) => wrkSession(smallUrl(target), SMALL.bytes);

const steadySmallOverTls: GrowthWorkload['steady'] = (target, _cores, mostSeconds) =>
  steadyWrk(smallUrl(target), SMALL.bytes, [undefined], mostSeconds);

/** Loads that are measured together, so that what the host does meanwhile hits all. */
interface Related<W extends Workload> {
  readonly name: string;
  readonly workloads: readonly W[];
  /** Of these peers only: the growth that is looked for costs time. */
  readonly peers?: readonly string[];
}

/** Loads with which peers are compared; they take turns. */
export interface Group extends Related<Workload> {
  readonly growth?: undefined;
}

/** The same load under several conditions, which are compared; they take slices. */
export interface GrowthGroup extends Related<GrowthWorkload> {
  readonly growth: true;
}

export interface Sizes {
  readonly tunnels: number;
}

/** Every load whose CPU is measured; the groups with several members show growth. */
export function workloadGroups({ tunnels }: Sizes): (Group | GrowthGroup)[] {
  const usual = { backends: 3, idleTunnels: 0 };
  const single = (workload: Workload): Group => ({ name: workload.name, workloads: [workload] });
  return [
    single({
      ...usual,
      name: 'plain-1k',
      title: '1 KiB GET, keep-alive, plain',
      plain: true,
      open: async ({ plain }) => wrkSession(`http://127.0.0.1:${plain}${SMALL.path}`, SMALL.bytes),
    }),
    single({
      ...usual,
      name: 'tls-1k',
      title: '1 KiB GET, keep-alive, TLS',
      open: smallOverTls,
    }),
    single({
      ...usual,
      name: 'tls-100k',
      title: '100 KiB GET, keep-alive, TLS',
      open: async ({ portal }) =>
        wrkSession(`https://127.0.0.1:${portal}${LARGE.path}`, LARGE.bytes),
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
      growth: true,
      workloads: [1, 8, 64].map((backends) => ({
        name: `backends-${backends}`,
        title: `1 KiB GET, TLS, ${backends} backend${backends === 1 ? '' : 's'}`,
        backends,
        idleTunnels: 0,
        open: smallOverTls,
        steady: steadySmallOverTls,
      })),
    },
    {
      name: 'idle',
      peers: ['dashgate', 'haproxy'],
      growth: true,
      workloads: [0, 1_000, 8_192].map((idleTunnels) => ({
        name: `idle-${idleTunnels}`,
        title: `1 KiB GET, TLS, ${idleTunnels} idle tunnels`,
        backends: 3,
        idleTunnels,
        warmUp: IDLE_WARM_UP,
        open: smallOverTls,
        steady: steadySmallOverTls,
      })),
    },
    {
      name: SCALING.group,
      peers: ['dashgate', 'haproxy'],
      growth: true,
      workloads: [SCALING.one, SCALING.two].map((name, i) => ({
        name,
        title: `1 KiB GET, TLS, ${i + 1} of 2 cores: a worker and a load on each`,
        backends: 3,
        idleTunnels: 0,
        workers: i + 1,
        open: async (target: RunningPeer, cores: Cores) =>
          wrkOnCores(smallUrl(target), SMALL.bytes, sharedCores(cores, i + 1)),
        steady: (target: RunningPeer, cores: Cores, mostSeconds: number) =>
          steadyWrk(smallUrl(target), SMALL.bytes, sharedCores(cores, i + 1), mostSeconds),
      })),
    },
    {
      name: OBSERVABILITY.group,
      peers: ['dashgate'],
      growth: true,
      workloads: [
        {
          ...usual,
          name: OBSERVABILITY.unobserved,
          title: '1 KiB GET, TLS, no metrics, no access log',
          settings: { METRICS: 'off', ACCESS_LOG: 'off' },
          open: smallOverTls,
          steady: steadySmallOverTls,
        },
        {
          ...usual,
          name: OBSERVABILITY.observed,
          title: '1 KiB GET, TLS, metrics and access log',
          settings: { METRICS: 'on', ACCESS_LOG: 'stdout' },
          open: smallOverTls,
          steady: steadySmallOverTls,
        },
      ],
    },
  ];
}
