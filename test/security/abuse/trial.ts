import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stage } from '../../bench/instance.ts';
import type { Peer, RunningPeer } from '../../bench/peers/peer.ts';
import { cpuNanoseconds, memoryKiB } from '../../bench/usage.ts';
import type { Child } from '../../support/children.ts';
import { abusiveConnections } from './abusive-connections.ts';
import type { Attack, Deeds } from './attack.ts';
import { commandOf } from './attacks.ts';
import { Bystander, type Request } from './bystander.ts';
import { type Findings, type Latency, median, percentile } from './findings.ts';
import { GRACE_SECONDS } from './verdict.ts';

const ROUND_MS = 1_000;
const WARM_UP_MS = 700;
/** How long an attack may take until all its connections are open, in ms: others may still be on its core. */
const BEGIN_MS = 30_000;
const LOOK_EVERY_MS = 200;
/** How long after the end of an attack memory is measured, in ms: collectors of garbage take their time. */
const REST_MS = 3_000;
/** Beyond a deadline, in s, after which a connection that goes on is taken to go on for ever. */
const PATIENCE_SECONDS = 20;

export interface Effort {
  readonly seconds: number;
  readonly connections: number;
}

/**
 * Attacks one proxy. Resolves when the user has been watched, with findings that follow when the
 * connections are gone and the proxy is stopped: that takes time but next to no work, and another one
 * can be attacked meanwhile.
 */
export async function attackProxy(
  stage: Stage,
  attack: Attack,
  proxy: Peer,
  effort: Effort,
): Promise<{ readonly findings: Promise<Findings> }> {
  const folder = mkdtempSync(join(stage.folder, 'peer-'));
  const running = await proxy.start({
    ...stage,
    folder,
    core: stage.cores.proxy,
    settings: attack.settings,
  });
  const bystander = await Bystander.start(running.portal);
  try {
    await delay(WARM_UP_MS);
    await bystander.requests();
    const before = memoryKiB(running.pids);
    await bystander.requests();
    const quiet = await watch(bystander, Math.ceil(effort.seconds / 2));
    await bystander.requests();
    const assault = new Assault(stage, attack, running, effort);
    const inFullSwing = attack.deadline && assault.inFullSwing();
    if (attack.watchedAfter !== undefined) {
      await inFullSwing;
      await delay(attack.watchedAfter * 1_000);
      await bystander.requests();
    }
    const [cpu, began] = [cpuNanoseconds(running.pids), performance.now()];
    const during = await watch(bystander, effort.seconds);
    const busy = (cpuNanoseconds(running.pids) - cpu) / 1e6 / (performance.now() - began);
    const peak = memoryKiB(running.pids);
    await bystander.stop();
    await inFullSwing;
    return { findings: finish() };

    async function finish(): Promise<Findings> {
      const goneSeconds = await assault.end();
      const deeds = assault.deeds();
      await delay(REST_MS);
      running.assertRunning();
      const after = memoryKiB(running.pids);
      await running.stop();
      const failures = [...quiet.failures, ...during.failures];
      return {
        attack: attack.name,
        proxy: proxy.name,
        quiet: quiet.latency,
        during: during.latency,
        requests: quiet.requests + during.requests,
        failures,
        held: assault.held,
        goneSeconds,
        memory: { before: before / 1_024, peak: peak / 1_024, after: after / 1_024 },
        cpuPercent: busy * 100,
        perSecond: deeds && Math.round(deeds.done / assault.lastedSeconds),
        faults: deeds?.faults ?? [],
      };
    }
  } catch (error) {
    await bystander.stop();
    await running.stop();
    throw error;
  }
}

/** The attack while it goes on. */
class Assault {
  readonly #attack: Attack;
  readonly #ports: readonly number[];
  readonly #child: Child;
  readonly #report: string;
  readonly #wanted: number;
  #began = performance.now();
  #opened = 0;
  #lasted = 0;
  /** Most connections that were seen at once. */
  held = 0;

  constructor(stage: Stage, attack: Attack, running: RunningPeer, effort: Effort) {
    this.#attack = attack;
    this.#ports = [running.portal, running.console];
    this.#wanted = effort.connections;
    this.#report = join(mkdtempSync(join(stage.folder, 'attack-')), 'deeds.json');
    const { portal, console } = running;
    const target = {
      portal,
      console,
      connections: effort.connections,
      seconds: longest(attack, effort),
      report: this.#report,
    };
    // Behind the user and the backends: else they would wait for the attacker, and not for the proxy.
    const command = ['nice', '-n', '15', ...commandOf(attack, target)];
    this.#child = stage.children.start(command, { core: stage.cores.load });
  }

  get lastedSeconds(): number {
    return this.#lasted / 1_000;
  }

  /** Resolves when all its connections are open, or it has had enough time for them. */
  async inFullSwing(): Promise<void> {
    const end = this.#began + BEGIN_MS;
    while (performance.now() < end && !this.#complete()) await delay(LOOK_EVERY_MS);
    this.#opened = performance.now();
  }

  /** Ends it, or has the proxy end it; how many seconds that took. */
  async end(): Promise<number | undefined> {
    const { deadline } = this.#attack;
    this.#look();
    let from = this.#opened;
    let patience = GRACE_SECONDS;
    if (deadline) {
      patience = deadline.seconds + PATIENCE_SECONDS;
    } else {
      this.#lasted = performance.now() - this.#began;
      await this.#child.stop();
      from = performance.now();
    }
    while (this.#look() > 0 && performance.now() - from < patience * 1_000) {
      await delay(LOOK_EVERY_MS);
    }
    const seconds = (performance.now() - from) / 1_000;
    const gone = abusiveConnections(this.#ports) === 0;
    if (deadline) this.#lasted = performance.now() - this.#began;
    await this.#child.stop();
    return gone ? Math.round(seconds * 10) / 10 : undefined;
  }

  /** What it has done, where it tells. */
  deeds(): Deeds | undefined {
    if (this.#attack.command || !existsSync(this.#report)) return undefined;
    return JSON.parse(readFileSync(this.#report, 'utf8')) as Deeds;
  }

  #complete(): boolean {
    const open = this.#look() >= this.#wanted;
    return this.#attack.command ? open : (this.deeds()?.done ?? 0) >= this.#wanted;
  }

  #look(): number {
    const now = abusiveConnections(this.#ports);
    this.held = Math.max(this.held, now);
    return now;
  }
}

/** More seconds than an attack takes, whatever the proxy does. */
function longest({ deadline, watchedAfter = 0 }: Attack, { seconds }: Effort): number {
  const held = (deadline?.seconds ?? 0) + PATIENCE_SECONDS;
  return BEGIN_MS / 1_000 + watchedAfter + seconds + held;
}

interface Watched {
  readonly latency: Latency;
  readonly requests: number;
  readonly failures: readonly string[];
}

async function watch(bystander: Bystander, rounds: number): Promise<Watched> {
  const each: Request[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    await delay(ROUND_MS);
    each.push(await bystander.requests());
  }
  const all = each.flat();
  const times = each.map((requests) => requests.map(({ ms }) => ms));
  return {
    latency: {
      p50: median(times.map((ms) => percentile(ms, 50))),
      p99: median(times.map((ms) => percentile(ms, 99))),
      worst: Math.max(...times.map((ms) => percentile(ms, 99))),
    },
    requests: all.length,
    failures: all.flatMap(({ failure }) => failure ?? []),
  };
}
