import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { until } from '../support/until.ts';
import { type Cable, Network, run, type Switch, start, stop } from './network.ts';

const INIT = new URL('machine-init.sh', import.meta.url).pathname;

export interface MachineOptions {
  readonly name: string;
  /** Its own address, with the length of the prefix. */
  readonly address: string;
  /** What its init reads. */
  readonly folder: string;
}

/** A host of the cluster: processes, mounts, name and network of its own. */
export class Machine {
  readonly name: string;
  readonly network: Network;
  readonly #cable: Cable;
  readonly #options: MachineOptions;
  #power: ChildProcess | undefined;

  static async plugIn(lan: Switch, options: MachineOptions): Promise<Machine> {
    const network = await Network.create();
    return new Machine(network, lan.plug(network, [options.address]), options);
  }

  private constructor(network: Network, cable: Cable, options: MachineOptions) {
    this.name = options.name;
    this.network = network;
    this.#cable = cable;
    this.#options = options;
  }

  /** Boots it; it has its own address, and no other. */
  async powerOn(): Promise<void> {
    const { address, folder, name } = this.#options;
    this.network.run(['ip', 'addr', 'flush', 'dev', 'eth0']);
    this.network.run(['ip', 'addr', 'add', address, 'dev', 'eth0']);
    this.#cable.mend();
    const spaces = ['--mount', '--ipc', '--uts', '--pid', '--mount-proc'];
    const unshare = ['unshare', ...spaces, '--fork', '--kill-child', '--'];
    this.#power = start(this.network.inside([...unshare, 'sh', INIT, name, folder]));
    await until(`${name} boots`, () => this.#init !== undefined);
  }

  /** Every process of it is gone at once, and nobody hears of it. */
  async powerOff(): Promise<void> {
    this.#cable.cut();
    if (this.#power) await stop(this.#power);
    this.#power = undefined;
  }

  cut(): void {
    this.#cable.cut();
  }

  mend(): void {
    this.#cable.mend();
  }

  /** Runs a command on it. */
  run(command: readonly string[], timeoutMs?: number): string {
    const init = this.#init;
    if (init === undefined) throw new Error(`${this.name} is off`);
    const into = ['nsenter', `--target=${init}`, '--mount', '--ipc', '--uts', '--net', '--pid'];
    return run([...into, '--', 'env', 'HOME=/run', 'TMPDIR=/run/tmp', ...command], timeoutMs);
  }

  /** The same where it may fail: undefined then. */
  tryRun(command: readonly string[], timeoutMs?: number): string | undefined {
    try {
      return this.run(command, timeoutMs);
    } catch {
      return undefined;
    }
  }

  async remove(): Promise<void> {
    await this.powerOff();
    await this.network.remove();
  }

  /** Its first process, as this host numbers it; undefined while it is off. */
  get #init(): number | undefined {
    const pid = this.#power?.pid;
    if (pid === undefined || this.#power?.exitCode !== null) return undefined;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return child ? Number(child) : undefined;
  }
}
