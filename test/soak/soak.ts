/** `npm run soak`: whether anything of a long load stays in the gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shareCores } from '../bench/cores.ts';
import { raiseOpenFiles } from '../bench/open-files.ts';
import { cpuNanoseconds } from '../bench/usage.ts';
import { Children, pinSelf } from '../support/children.ts';
import { EXIT, runEntry } from '../support/entry.ts';
import { randomFrom } from '../support/random.ts';
import { type Checkpoint, takeCheckpoint, takeGlance } from './checkpoint.ts';
import { type GatewayUnderSoak, startGatewayProcess } from './gateway-process.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { runRequests } from './request-load.ts';
import { blindSpots, breaches } from './rules.ts';
import { LEGEND, renderCheckpoint, renderHeading } from './table.ts';
import { Tally } from './tally.ts';
import { runTunnels } from './tunnel-load.ts';

const CHECKPOINTS = 10;
/** Tunnels and connections that are open at once are few; what is leaked on purpose is not. */
const OPEN_AT_ONCE = 500;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  raiseOpenFiles(OPEN_AT_ONCE);
  const cores = shareCores();
  pinSelf(cores.load);
  const folder = mkdtempSync(join(tmpdir(), 'dashgate-soak-'));
  const children = new Children(folder);
  const leave = () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave);
  try {
    const gateway = await startGatewayProcess(children, folder, cores, options.leak);
    return await soak(gateway, options);
  } finally {
    await children.stopAll();
    leave();
  }
}

async function soak(gateway: GatewayUnderSoak, options: Options): Promise<number> {
  const random = randomFrom(options.seed);
  const tally = new Tally();
  print(`seed ${options.seed}\n\n${LEGEND}\n\n${renderHeading()}`);
  const checkpoints: Checkpoint[] = [];
  const look = async (phase: string, done: number, cpuUs: number) => {
    const checkpoint = await takeCheckpoint(gateway, phase, done, cpuUs);
    checkpoints.push(checkpoint);
    print(renderCheckpoint(checkpoint));
  };
  const blind: string[] = [];
  await look('start', 0, 0);
  const phases = [
    { name: 'requests', total: options.requests, port: gateway.portal, run: runRequests },
    { name: 'tunnels', total: options.tunnels, port: gateway.console, run: runTunnels },
  ];
  for (const { name, total, port, run } of phases) {
    for (let step = 1, done = 0; step <= CHECKPOINTS && done < total; step++) {
      const next = Math.round((total * step) / CHECKPOINTS);
      const before = cpuNanoseconds([gateway.child.pid]);
      const half = tally.reached(Math.ceil((next - done) / 2));
      const running = run(port, next - done, random, tally);
      if (step === 1) {
        await half;
        blind.push(...blindSpots(name, await takeGlance(gateway)));
      }
      await running;
      gateway.child.assertRunning();
      const cpuNs = cpuNanoseconds([gateway.child.pid]) - before;
      await look(name, next, cpuNs / 1e3 / (next - done));
      done = next;
    }
  }
  const counts = Array.from(tally.counts, ([kind, count]) => `${count} ${kind}`).join(', ');
  print(`\n${counts}; ${tally.failureCount} other than they should be`);
  const found = [
    ...tally.failures.map((failure) => `went wrong: ${failure}`),
    ...blind,
    ...breaches(checkpoints),
  ];
  if (found.length === 0) {
    print('Nothing stayed.');
    return EXIT.ok;
  }
  print(['', ...found.map((breach) => `FAILED: ${breach}`)].join('\n'));
  return EXIT.failure;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runEntry('soak', USAGE, main);
