import { loadTarget } from '../targets.ts';
import { readCrashers, readSeeds, writeSeeds } from './fixtures.ts';
import { hunt } from './hunt.ts';
import { openWindow } from './input-window.ts';
import type { Target } from './target.ts';
import type { Order, Told, WatchReport } from './watch.ts';

/** A hunt in a process of its own: `watch.ts` starts it, and ends it where it hangs. */
async function obey(order: Order): Promise<void> {
  const { name, seeds, seconds, runs, keep } = order;
  const target: Target = order.module
    ? (await import(order.module)).target
    : await loadTarget(name);
  const subject = await target.open();
  await tell({ pids: subject.pids ?? [] });
  try {
    const texts = [...(order.first ?? []), ...target.seeds];
    const given = texts.map((text) => Buffer.from(text, 'latin1'));
    const inputs = [...readCrashers(name).values(), ...readSeeds(name), ...given];
    const onInput = openWindow(order.window);
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
    await tell({ report });
  } finally {
    await subject.close?.();
    process.disconnect();
  }
}

/** Resolves when it is on its way: an input may keep this process busy for ever. */
function tell(told: Told): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(told, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}

process.once('message', (order: Order) => obey(order));
