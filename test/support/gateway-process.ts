import type { TestContext } from 'node:test';
import type { GatewayState, WorkerState } from '../../src/admin/state.ts';
import { type Command, dashgateCommand, printed } from './command.ts';
import { gatewaySettings } from './gateway.ts';
import { descendants } from './processes.ts';

/** A gateway as it runs in production: a supervisor and its workers. */
export interface GatewayProcess {
  readonly command: Command;
  /** Its settings, as its environment has them. */
  readonly settings: Record<string, string>;
  /** The port of a listener. */
  port(listener: string): number;
  state(): Promise<GatewayState>;
  /** The workers that serve clients, by slot. */
  relays(): Promise<WorkerState[]>;
  /** What it has logged, with that message. */
  logged(message: string): Record<string, unknown>[];
}

/** Starts `dashgate start` with two workers on free ports; all of it ends with the test. */
export async function startGatewayProcess(
  t: TestContext,
  given: Record<string, string>,
  options: { cwd?: string; args?: readonly string[] } = {},
): Promise<GatewayProcess> {
  const settings = { ...(await gatewaySettings(t)), WORKERS: '2', DRAIN_TIMEOUT: '20s', ...given };
  const { args = [], cwd } = options;
  const inFile = args.includes('--config');
  const command = dashgateCommand(
    t,
    ['start', ...args],
    inFile ? {} : settings,
    cwd ? { cwd } : {},
  );
  // Workers outlive a supervisor that is killed, for a while.
  const seen = new Set<number>();
  t.after(() => {
    for (const pid of seen) killIfThere(pid);
  });
  const note = () => {
    for (const { pid } of descendants(command.child.pid!)) seen.add(pid);
  };
  await printed(command, '"listener":"admin"');
  note();

  const lines = () =>
    command
      .out()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const port = (listener: string) =>
    Number(lines().findLast((line) => line.listener === listener)?.port);
  const state = async () => {
    note();
    const answer = await fetch(`http://127.0.0.1:${port('admin')}/api/state`);
    return (await answer.json()) as GatewayState;
  };
  return {
    command,
    settings,
    port,
    state,
    relays: async () => {
      const { workers } = await state();
      const relays = workers.filter(({ kind, state }) => kind === 'relay' && state !== 'draining');
      return relays.sort((a, b) => a.slot - b.slot);
    },
    logged: (message) => lines().filter(({ msg }) => msg === message),
  };
}

export function killIfThere(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}
