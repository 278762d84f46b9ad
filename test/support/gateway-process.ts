import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { GatewayState, WorkerState } from '../../src/admin/state.ts';
import { type Command, type CommandOptions, dashgateCommand, printed } from './command.ts';
import { gatewaySettings, temporaryFolder } from './gateway.ts';
import { descendants } from './processes.ts';
import { until } from './until.ts';

/** A gateway as it runs in production: a supervisor and its workers. */
export interface GatewayProcess {
  readonly command: Command;
  /** Has it read a configuration with these changes; resolves with what it logs of that. */
  reload(changes?: Record<string, string>): Promise<Record<string, unknown>>;
  /** The port of a listener. */
  port(listener: string): number;
  state(): Promise<GatewayState>;
  /** The workers that serve clients, by slot. */
  relays(): Promise<WorkerState[]>;
  /** What it has logged, with that message. */
  logged(message: string): Record<string, unknown>[];
}

/**
 * Starts `dashgate start` with two workers on free ports, with `env` in its environment, by way of the
 * program `under`; all of it ends with the test.
 */
export async function startGatewayProcess(
  t: TestContext,
  given: Record<string, string>,
  env: Record<string, string> = {},
  { under }: Pick<CommandOptions, 'under'> = {},
): Promise<GatewayProcess> {
  const settings = {
    ...(await gatewaySettings(t)),
    WORKERS: '2',
    DRAIN_TIMEOUT: '20s',
    HEALTH_TIMEOUT: '10s',
    ...given,
  };
  const file = join(temporaryFolder(t), 'dashgate.env');
  const write = () => {
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    writeFileSync(file, lines.join('\n'));
  };
  write();
  const command = dashgateCommand(t, ['start', '--config', file], env, { under });
  // Workers outlive a supervisor that is killed, for a while.
  const seen = new Set<number>();
  t.after(() => {
    // One that took over after the last look.
    note();
    for (const pid of seen) killIfThere(pid);
  });
  const note = () => {
    const supervisors = [command.child.pid!, ...successors()];
    for (const pid of supervisors) seen.add(pid);
    for (const pid of supervisors.flatMap(descendants).map(({ pid }) => pid)) seen.add(pid);
  };
  const told: Record<string, unknown>[] = [];
  let read = 0;
  // Asked again and again while it grows by a line for each request: nothing is parsed twice.
  const lines = () => {
    const out = command.out();
    const end = out.lastIndexOf('\n') + 1;
    for (const line of out.slice(read, end).split('\n').slice(0, -1)) told.push(JSON.parse(line));
    read = end;
    return told;
  };
  const successors = () =>
    lines()
      .map(({ successor }) => Number(successor))
      .filter((pid) => pid > 0);
  await printed(command, '"listener":"admin"');
  note();

  const port = (listener: string) =>
    Number(lines().findLast((line) => line.listener === listener)?.port);
  const state = async () => {
    note();
    const answer = await fetch(`http://127.0.0.1:${port('admin')}/api/state`, {
      // One that is kept ends with a supervisor that is replaced.
      headers: { connection: 'close' },
    });
    return (await answer.json()) as GatewayState;
  };
  const logged = (message: string) => lines().filter(({ msg }) => msg === message);
  const reloads = () =>
    lines().filter(({ msg }) => /^the configuration (was|stays)/.test(String(msg)));
  return {
    command,
    reload: async (changes = {}) => {
      Object.assign(settings, changes);
      write();
      const before = reloads().length;
      command.child.kill('SIGHUP');
      await until('the reload is told', () => reloads().length > before, 60_000);
      note();
      return reloads().at(-1)!;
    },
    port,
    state,
    relays: async () => {
      const { workers } = await state();
      const relays = workers.filter(({ kind, state }) => kind === 'relay' && state !== 'draining');
      return relays.sort((a, b) => a.slot - b.slot);
    },
    logged,
  };
}

export function killIfThere(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}
