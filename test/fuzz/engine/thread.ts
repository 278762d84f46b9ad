import { workerData } from 'node:worker_threads';
import { loadTarget } from '../targets.ts';
import { readCrashers, readSeeds, writeSeeds } from './fixtures.ts';
import { hunt } from './hunt.ts';
import { InputWindow } from './input-window.ts';
import type { Target } from './target.ts';
import type { Order, Told, WatchReport } from './watch.ts';

/** A hunt in a thread of its own: `watch.ts` starts it, and ends it where it hangs. */
const order = workerData as Order;
const { name, seeds, seconds, runs, keep, window, port } = order;
const tell = (told: Told) => port.postMessage(told);

const target: Target = order.module ? (await import(order.module)).target : await loadTarget(name);
const subject = await target.open();
const shown = new InputWindow(window);
tell({ pids: subject.pids ?? [] });
try {
  const texts = [...(order.first ?? []), ...target.seeds];
  const given = texts.map((text) => Buffer.from(text, 'latin1'));
  const inputs = [...readCrashers(name).values(), ...readSeeds(name), ...given];
  const onInput = (input: Buffer) => shown.show(input);
  let report: WatchReport = { runs: 0, cpuSeconds: 0, outcomes: 0, found: [] };
  for (const seed of seeds) {
    const hunted = await hunt(target, subject, { seed, seconds, runs, inputs, onInput });
    report = {
      runs: report.runs + hunted.runs,
      cpuSeconds: report.cpuSeconds + hunted.cpuSeconds,
      outcomes: Math.max(report.outcomes, hunted.corpus.size),
      found: [...report.found, ...hunted.found],
    };
    if (keep && report.found.length === 0) writeSeeds(name, hunted.corpus, given);
  }
  tell({ report });
} finally {
  await subject.close?.();
  port.close();
}
