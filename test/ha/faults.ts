import { CONSOLES, DASHBOARDS } from './addresses.ts';
import type { Machine } from './machine.ts';
import type { Peer } from './peers/peer.ts';

/** Something that happens to the machine which has the address, and how it is set right. */
export interface Fault {
  readonly name: string;
  readonly title: string;
  happen(machine: Machine, peer: Peer): Promise<void>;
  heal(machine: Machine): Promise<void>;
}

const BACKENDS = [...DASHBOARDS, ...CONSOLES];

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    title: 'kill -9 of the service',
    async happen(machine, { programs }) {
      machine.run(['pkill', '-KILL', '-x', programs.join('|')]);
    },
    async heal(machine) {
      machine.run(['crm_resource', '--cleanup']);
    },
  },
  {
    name: 'standby',
    title: 'node on standby',
    async happen(machine) {
      machine.run(['crm_standby', '--node', machine.name, '--update', 'on']);
    },
    async heal(machine) {
      machine.run(['crm_standby', '--node', machine.name, '--delete']);
    },
  },
  {
    name: 'blind',
    title: 'node reaches no backend',
    async happen(machine) {
      for (const backend of BACKENDS) machine.run(['ip', 'route', 'add', 'unreachable', backend]);
    },
    async heal(machine) {
      for (const backend of BACKENDS) machine.run(['ip', 'route', 'del', 'unreachable', backend]);
    },
  },
  {
    name: 'cut',
    title: 'network of the node cut',
    async happen(machine) {
      machine.cut();
    },
    async heal(machine) {
      machine.mend();
    },
  },
  {
    name: 'off',
    title: 'power of the node off',
    async happen(machine) {
      await machine.powerOff();
    },
    async heal(machine) {
      await machine.powerOn();
    },
  },
];
