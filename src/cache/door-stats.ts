import type { DoorCounters } from './door-counters.ts';

export interface DoorStatsOptions {
  readonly version: string;
  readonly maxConnections: number;
  readonly maxValueBytes: number;
  readonly idleTimeoutMs: number;
  readonly allowFlush: boolean;
}

const STORAGE_VERBS = ['set', 'add', 'replace', 'append', 'prepend', 'cas'] as const;
const META_VERBS = ['mg', 'ms', 'md'] as const;
/** Subjects of a node's own memory, of which a cache that has none has nothing to tell. */
const EMPTY_SUBJECTS = new Set(['items', 'slabs', 'sizes', 'conns']);

/** Answers `stats` in memcached's names, where they mean the same here (`protocol.txt`, "Statistics"). */
export class DoorStats {
  readonly #counters: DoorCounters;
  readonly #options: DoorStatsOptions;
  readonly #startedAt = performance.now();
  /** The counters at the last `stats reset`. */
  #before: DoorCounters | undefined;

  constructor(counters: DoorCounters, options: DoorStatsOptions) {
    this.#counters = counters;
    this.#options = options;
  }

  /** The lines of the answer. */
  answer(subject: string | undefined): readonly string[] {
    if (subject === undefined) return list(this.#general());
    if (subject === 'reset') {
      this.#before = structuredClone(this.#counters);
      return ['RESET'];
    }
    if (subject === 'settings') return list(this.#settings());
    if (subject === 'cachedump') return ['CLIENT_ERROR stats cachedump not allowed'];
    return EMPTY_SUBJECTS.has(subject) ? ['END'] : ['ERROR'];
  }

  #general(): Record<string, string | number> {
    const { connections, refused, commands, outcomes, bytes } = this.#counters;
    const before = this.#before;
    const since = { commands: before?.commands, outcomes: before?.outcomes };
    const count = (verbs: readonly (keyof typeof commands)[]) =>
      verbs.reduce((sum, verb) => sum + commands[verb] - (since.commands?.[verb] ?? 0), 0);
    const present = Object.entries(outcomes).map(([name, value]) => [
      name,
      value - (since.outcomes?.[name as keyof typeof outcomes] ?? 0),
    ]);
    const told: Record<string, number> = Object.fromEntries(present);
    return {
      pid: process.pid,
      uptime: Math.floor((performance.now() - this.#startedAt) / 1000),
      time: Math.floor(Date.now() / 1000),
      version: this.#options.version,
      pointer_size: 64,
      max_connections: this.#options.maxConnections,
      curr_connections: connections.open,
      total_connections: connections.total - (before?.connections.total ?? 0),
      rejected_connections: refused.limit - (before?.refused.limit ?? 0),
      cmd_get: told.get_hits! + told.get_misses!,
      cmd_set: count(STORAGE_VERBS),
      cmd_flush: count(['flush_all']),
      cmd_touch: count(['touch', 'gat', 'gats']),
      cmd_meta: count(META_VERBS),
      ...told,
      idle_kicks: refused.silence - (before?.refused.silence ?? 0),
      bytes_read: bytes.read - (before?.bytes.read ?? 0),
      bytes_written: bytes.written - (before?.bytes.written ?? 0),
      accepting_conns: 1,
      threads: 1,
    };
  }

  #settings(): Record<string, string | number> {
    const { maxConnections, maxValueBytes, idleTimeoutMs, allowFlush } = this.#options;
    return {
      maxconns: maxConnections,
      item_size_max: maxValueBytes,
      idle_timeout: Math.ceil(idleTimeoutMs / 1000),
      flush_enabled: allowFlush ? 'yes' : 'no',
      cas_enabled: 'yes',
      binding_protocol: 'ascii',
    };
  }
}

function list(stats: Record<string, string | number>): readonly string[] {
  return [...Object.entries(stats).map(([name, value]) => `STAT ${name} ${value}`), 'END'];
}
