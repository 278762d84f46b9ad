import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { until } from '../support/until.ts';

/** How long a command that looks or changes something may take, in ms. */
const COMMAND_MS = 20_000;

const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`;

/** Everything that was started, so that nothing of it outlives this process. */
const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

/** Runs a command to its end; gives what it prints. @throws Error with what it complained about. */
export function run(command: readonly string[], timeout = COMMAND_MS): string {
  const [program, ...args] = command;
  return execFileSync(program!, args, {
    encoding: 'utf8',
    env: { PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
  });
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdout?: 'pipe' | 'ignore';
}

/** Starts a program that the kernel ends with this process, however this one ends. */
export function start(command: readonly string[], options: StartOptions = {}): ChildProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    env: { PATH, ...options.env },
    stdio: ['ignore', options.stdout ?? 'ignore', 'inherit'],
  });
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}

/** Ends what `start` gave, and waits until it has. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/**
 * A network of its own, with nothing in it but loopback and the cables that are plugged in. It has no
 * name anywhere: it is there as long as a process that holds it, and that goes with this process.
 */
export class Network {
  readonly #holder: ChildProcess;
  readonly #started: ChildProcess[] = [];

  static async create(): Promise<Network> {
    const own = readlinkSync('/proc/self/ns/net');
    const network = new Network(start(['unshare', '--net', 'sleep', 'infinity']));
    await until('a network namespace is there', () => {
      const { pid, exitCode } = network.#holder;
      if (exitCode !== null) throw new Error('network namespaces cannot be made; run it as root');
      // It is another program before it is the one that holds the namespace.
      return (
        readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep' &&
        readlinkSync(`/proc/${pid}/ns/net`) !== own
      );
    });
    network.run(['ip', 'link', 'set', 'lo', 'up']);
    return network;
  }

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  get pid(): number {
    return this.#holder.pid!;
  }

  /** The command that runs another one in here. */
  inside(command: readonly string[]): string[] {
    return ['nsenter', '--net', `--target=${this.pid}`, '--', ...command];
  }

  run(command: readonly string[]): string {
    return run(this.inside(command));
  }

  /** Starts a program in here that ends with the network. */
  start(command: readonly string[], options: StartOptions = {}): ChildProcess {
    const child = start(this.inside(command), options);
    this.#started.push(child);
    return child;
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#started, this.#holder].map((child) => stop(child)));
  }
}

/** A switch with a cable to each of some networks. */
export class Switch {
  readonly #network: Network;
  #ports = 0;

  static async create(): Promise<Switch> {
    const network = await Network.create();
    network.run(['ip', 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0']);
    network.run(['ip', 'link', 'set', 'br0', 'up']);
    return new Switch(network);
  }

  private constructor(network: Network) {
    this.#network = network;
  }

  /** Plugs a network in, as its `eth0`. */
  plug(network: Network, addresses: readonly string[]): Cable {
    const port = `port${this.#ports++}`;
    const netns = String(network.pid);
    const add = ['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns];
    this.#network.run(add);
    this.#network.run(['ip', 'link', 'set', port, 'master', 'br0', 'up']);
    for (const address of addresses) network.run(['ip', 'addr', 'add', address, 'dev', 'eth0']);
    network.run(['ip', 'link', 'set', 'eth0', 'up']);
    const set = (state: 'up' | 'down') => this.#network.run(['ip', 'link', 'set', port, state]);
    return { cut: () => void set('down'), mend: () => void set('up') };
  }

  async remove(): Promise<void> {
    await this.#network.remove();
  }
}

/** The way of a network to all others. */
export interface Cable {
  cut(): void;
  mend(): void;
}
