import type { Checkpoint } from './checkpoint.ts';

const MIB = 1024 * 1024;

const COLUMNS: readonly (readonly [title: string, cell: (checkpoint: Checkpoint) => string])[] = [
  ['phase', ({ phase }) => phase],
  ['done', ({ done }) => String(done)],
  ['at s', ({ seconds }) => seconds.toFixed(0)],
  ['CPU µs', ({ cpuUs }) => cpuUs.toFixed(0)],
  ['PSS MiB', ({ pssBytes }) => (pssBytes / MIB).toFixed(1)],
  ['heap MiB', ({ probe }) => (probe.heapBytes / MIB).toFixed(2)],
  ['external MiB', ({ probe }) => (probe.externalBytes / MIB).toFixed(2)],
  ['files', ({ openFiles }) => String(openFiles)],
  ['sockets', ({ sockets }) => String(sockets.length)],
  ['     objects', ({ probe }) => Object.values(probe.objects).join('/')],
  ['leases', ({ active, queued, tunnels }) => `${active}/${queued}/${tunnels}`],
  ['delay ms', ({ probe }) => `${probe.delayP99Ms.toFixed(0)}/${probe.delayMaxMs.toFixed(0)}`],
];

export const LEGEND = `Each line is the gateway at rest, its garbage collected. objects: live sockets/clients/backends/exchanges/tunnels/timers;
CPU: of the gateway for each unit of work; leases: active/queued/tunnels of the admin listener; delay: of its event loop since the line before, p99/most.`;

const WIDTHS = COLUMNS.map(([title]) => Math.max(title.length, 9));

export function renderHeading(): string {
  return renderLine(COLUMNS.map(([title]) => title));
}

export function renderCheckpoint(checkpoint: Checkpoint): string {
  return renderLine(COLUMNS.map(([, cell]) => cell(checkpoint)));
}

function renderLine(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(WIDTHS[i]!)).join('  ');
}
