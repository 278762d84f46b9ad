import type { Checkpoint, Glance } from './checkpoint.ts';

const MIB = 1024 * 1024;
/**
 * By how much memory may grow from the end of the warm-up to the end of a phase, as the straight
 * line through its checkpoints has it.
 */
export const MOST_GROWTH = { heap: MIB, pss: 24 * MIB } as const;
/** How much of the checkpoints of a phase is warm-up: code is compiled and caches are filled. */
export const WARM_UP = 0.3;
/** Objects of a class that may be there by chance, such as those of a health check under way. */
const MOST_OBJECTS = 8;
/** Open files that come and go with health checks. */
const SPARE_FILES = 8;

/** What of the checkpoints, of which the first is before any load, breaks the rules of the soak. */
export function breaches(checkpoints: readonly Checkpoint[]): string[] {
  const [before, ...after] = checkpoints;
  if (!before) return ['there is no checkpoint'];
  const found = after.flatMap((checkpoint) => breachesOf(checkpoint, before));
  for (const phase of new Set(after.map(({ phase }) => phase))) {
    found.push(...growthOf(after.filter((checkpoint) => checkpoint.phase === phase)));
  }
  const warnings = new Set(after.at(-1)?.probe.warnings);
  return [...found, ...Array.from(warnings, (warning) => `the process warned: ${warning}`)];
}

/** Which counts were nothing in the midst of a load: those at rest would prove nothing then. */
export function blindSpots(phase: string, { sockets, objects }: Glance): string[] {
  const busy = {
    sockets,
    ...(phase === 'tunnels'
      ? { tunnels: objects.tunnels }
      : {
          clients: objects.downstream,
          backends: objects.upstream,
          exchanges: objects.exchanges,
        }),
  };
  return Object.entries(busy).flatMap(([name, count]) =>
    count > 0 ? [] : `in the midst of the ${phase} no ${name} were seen`,
  );
}

function breachesOf(checkpoint: Checkpoint, before: Checkpoint): string[] {
  const { phase, done, sockets, openFiles, probe } = checkpoint;
  const found: string[] = [];
  if (sockets.length > 0) found.push(`${sockets.length} sockets left: ${sockets.slice(0, 5)}`);
  if (openFiles > before.openFiles + SPARE_FILES) {
    found.push(`${openFiles} open files, ${before.openFiles} before the load`);
  }
  for (const name of ['active', 'queued', 'tunnels'] as const) {
    if (checkpoint[name] > 0) found.push(`${name} of the admin listener is ${checkpoint[name]}`);
  }
  for (const [name, count] of Object.entries(probe.objects)) {
    const first = before.probe.objects[name as keyof typeof probe.objects];
    if (count > first + MOST_OBJECTS) found.push(`${count} objects of ${name} live, not ${first}`);
  }
  return found.map((breach) => `after ${done} ${phase}: ${breach}`);
}

function growthOf(phase: readonly Checkpoint[]): string[] {
  const steady = phase.slice(Math.floor(phase.length * WARM_UP));
  const measures = {
    heap: ({ probe }: Checkpoint) => probe.heapBytes + probe.externalBytes,
    pss: ({ pssBytes }: Checkpoint) => pssBytes,
  };
  return Object.entries(measures).flatMap(([name, measure]) => {
    const growth = fittedGrowth(steady.map((checkpoint) => [checkpoint.done, measure(checkpoint)]));
    const most = MOST_GROWTH[name as keyof typeof MOST_GROWTH];
    if (growth <= most) return [];
    const from = `${steady[0]!.done} to ${steady.at(-1)!.done} ${steady[0]!.phase}`;
    return `${name} grew by ${(growth / MIB).toFixed(1)} MiB from ${from}, at most ${most / MIB} allowed`;
  });
}

/** How much the least-squares line through the points rises from the first to the last. */
export function fittedGrowth(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  if (spread === 0) return 0;
  const slope = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
  return slope * (points.at(-1)![0] - points[0]![0]);
}
