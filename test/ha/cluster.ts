import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { FLOATING, MACHINES, PREFIX } from './addresses.ts';
import { Machine } from './machine.ts';
import type { Switch } from './network.ts';

const AGENT = new URL('../../packaging/ocf/dashgate', import.meta.url).pathname;
/** How long two machines may take to find each other, in ms. */
const MEET_MS = 90_000;
/** How long the cluster may take until all that is to run does, in ms. */
const SETTLE_MS = 120_000;
/** How often it is looked where the address is, in ms. */
const LOOK_MS = 20;

/** What is to run on the cluster. */
export interface Resources {
  /** As crmsh has it. */
  readonly configuration: string;
  /** The clone that has to run on both machines. */
  readonly clone: string;
  /** The floating address. */
  readonly address: string;
}

/** Two machines with Corosync and Pacemaker. */
export class Cluster {
  readonly machines: readonly Machine[];
  readonly #folder: string;
  #resources: Resources | undefined;

  /** Plugs two machines in; what they read is in `folder`. */
  static async plugIn(lan: Switch, folder: string, token: number): Promise<Cluster> {
    writeFileSync(join(folder, 'authkey'), randomBytes(1024));
    writeFileSync(join(folder, 'corosync.conf'), corosyncConf(token));
    writeFileSync(join(folder, 'cib.xml'), CIB);
    const hosts = MACHINES.map(({ name, address }) => `${address} ${name}\n`).join('');
    writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost\n${hosts}`);
    mkdirSync(join(folder, 'ocf/dashgate'), { recursive: true });
    copyFileSync(AGENT, join(folder, 'ocf/dashgate/dashgate'));
    const machines = MACHINES.map(({ name, address }) =>
      Machine.plugIn(lan, { name, address: `${address}/${PREFIX}`, folder }),
    );
    return new Cluster(await Promise.all(machines), folder);
  }

  private constructor(machines: readonly Machine[], folder: string) {
    this.machines = machines;
    this.#folder = folder;
  }

  /** Switches both machines on; resolves when they are a cluster. */
  async powerOn(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.powerOn()));
    await until('both machines are one cluster', () => this.#meets(), MEET_MS);
  }

  /** Has the cluster run this; resolves when it does. */
  async load(resources: Resources): Promise<void> {
    const file = join(this.#folder, 'resources.crm');
    writeFileSync(file, resources.configuration);
    this.#resources = resources;
    this.machines[0]!.run(['crm', 'configure', 'load', 'update', file], 60_000);
    await this.settle();
  }

  /** Resolves when both machines are there, and all runs where it is to run. */
  async settle(): Promise<void> {
    const { clone, address } = this.#resources!;
    await until('both machines are one cluster', () => this.#meets(), MEET_MS);
    let forgotten = 0;
    await until(
      `${clone} runs on both machines, and ${address} on one`,
      () => {
        // What failed is forgotten once; what fails again has to be seen.
        if (forgotten++ % 200 === 0) {
          this.machines[0]!.tryRun(['crm_resource', '--cleanup', '--quiet']);
        }
        return this.#placesOf(clone) === 2 && this.#placesOf(address) === 1;
      },
      SETTLE_MS,
    );
    this.machines[0]!.tryRun(['crm_resource', '--wait', '--timeout=30'], 40_000);
  }

  /** The machine that has the address now; undefined where none or both have it. */
  get active(): Machine | undefined {
    const those = this.machines.filter(hasAddress);
    return those.length === 1 ? those[0] : undefined;
  }

  /**
   * When the address comes to another machine than this one, in Unix time in ms; undefined where that does
   * not happen within the time.
   */
  async moved(from: Machine, timeoutMs: number): Promise<number | undefined> {
    const others = this.machines.filter((machine) => machine !== from);
    for (let at = Date.now(), end = at + timeoutMs; at < end; at = Date.now()) {
      if (others.some(hasAddress)) return at;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return undefined;
  }

  /** What the cluster says of itself, for who has to find out what went wrong. */
  report(): string {
    const [first] = this.machines;
    return first!.tryRun(['crm_mon', '-1', '--show-node-attributes', '--failcounts']) ?? '';
  }

  async remove(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.remove()));
  }

  /** Each sees both, and a quorum. */
  #meets(): boolean {
    return this.machines.every((machine) => {
      const online = machine.tryRun(['crm_mon', '-1'], 5_000);
      return /Online: \[ one two \]/.test(online ?? '');
    });
  }

  /** On how many machines a resource runs, as both of them have it. */
  #placesOf(resource: string): number {
    const counts = this.machines.map((machine) => {
      const told = machine.tryRun(['crm_resource', '--locate', '-r', resource], 5_000) ?? '';
      return told.match(/is running on: /g)?.length ?? 0;
    });
    return Math.min(...counts);
  }
}

function hasAddress({ network }: Machine): boolean {
  return network.run(['ip', '-o', '-4', 'addr', 'show', 'dev', 'eth0']).includes(` ${FLOATING}/`);
}

function corosyncConf(token: number): string {
  const nodes = MACHINES.map(
    ({ name, address }, i) =>
      `  node {\n    name: ${name}\n    nodeid: ${i + 1}\n    ring0_addr: ${address}\n  }\n`,
  ).join('');
  return `totem {
  version: 2
  cluster_name: dashboard
  transport: knet
  crypto_cipher: aes256
  crypto_hash: sha256
  token: ${token}
}
nodelist {
${nodes}}
quorum {
  provider: corosync_votequorum
  two_node: 1
}
system {
  sched_rr: no
  move_to_root_cgroup: no
}
logging {
  to_stderr: no
  to_syslog: no
  to_logfile: yes
  logfile: /var/log/corosync/corosync.log
}
`;
}

/**
 * What both machines begin with: nothing, but for an election that does not wait long for who is not there
 * yet. There is no fencing here: a machine that is cut off stays so until its trial is over.
 */
const CIB = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="option-fencing" name="stonith-enabled" value="false"/>
        <nvpair id="option-quorum" name="no-quorum-policy" value="ignore"/>
        <nvpair id="option-election" name="dc-deadtime" value="3s"/>
      </cluster_property_set>
    </crm_config>
    <nodes/><resources/><constraints/>
  </configuration>
  <status/>
</cib>
`;
