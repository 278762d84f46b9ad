/** `npm run abuse`: what another user notices while Dashgate, HAProxy and nginx are attacked. */
import { writeFileSync } from 'node:fs';
import type { Stage } from '../../bench/instance.ts';
import { raiseOpenFiles } from '../../bench/open-files.ts';
import { startOrigins } from '../../bench/origin/origins.ts';
import { dashgate } from '../../bench/peers/dashgate.ts';
import { programVersions } from '../../bench/programs.ts';
import { onScene } from '../../bench/scene.ts';
import { EXIT, runEntry } from '../../support/entry.ts';
import { writePlaced } from '../placed.ts';
import type { Attack } from './attack.ts';
import type { Findings } from './findings.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { BOMB, LARGE } from './pages.ts';
import { misses, type Row, report } from './report.ts';
import { attackProxy } from './trial.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const { proxies, connections, json, write } = options;
  const versions = programVersions(['slowhttptest', ...proxies.flatMap((one) => one.programs)]);
  const openFiles = raiseOpenFiles(connections);
  const rows = await onScene(async (scene) => {
    const { children, folder, cores } = scene;
    const origins = await startOrigins(children, folder, cores.load, 3, [LARGE, BOMB]);
    return attackAll({ ...scene, origins, openFiles }, options);
  });
  const text = report(
    rows,
    ['haproxy', 'nginx', 'slowhttptest'].map((name) => `${name} ${versions[name] ?? '–'}`),
  );
  process.stdout.write(`${text}\n`);
  const wrong = misses(rows);
  if (json) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
  if (write) writePlaced(write, 'abuse', text);
  return wrong.length > 0 ? EXIT.failure : EXIT.ok;
}

/** One attack on one proxy after the other; what is left of them then takes its time beside the next. */
async function attackAll(stage: Stage, options: Options): Promise<Row[]> {
  const pending: { attack: Attack; findings: Promise<Findings>[] }[] = [];
  for (const attack of options.attacks) {
    const all: Promise<Findings>[] = [];
    pending.push({ attack, findings: all });
    for (const proxy of options.proxies) {
      if (attack.settings && proxy !== dashgate) continue;
      process.stderr.write(`${attack.name}: ${proxy.name}\n`);
      const { findings } = await attackProxy(stage, attack, proxy, options);
      // It is waited for below; until then a failure is nobody's.
      findings.catch(() => {});
      all.push(findings);
    }
    stage.origins.assertRunning();
  }
  const rows: Row[] = [];
  for (const { attack, findings } of pending) {
    rows.push({ attack, findings: await Promise.all(findings) });
  }
  return rows;
}

await runEntry('abuse', USAGE, main);
