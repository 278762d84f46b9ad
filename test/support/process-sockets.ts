import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One TCP socket of a process, as the kernel sees it. */
export interface ProcessSocket {
  readonly localPort: number;
  readonly remotePort: number;
  /** Of tcp(7), such as ESTABLISHED; one that only the kernel still holds is no one's. */
  readonly state: string;
}

/** The states of include/net/tcp_states.h, which /proc/net/tcp numbers from 1. */
const STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
];

/** How many files of any kind a process has open. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The TCP sockets that a process has open, listening ones left out (proc_net(5)). */
export function openSocketsOf(pid: number): ProcessSocket[] {
  const inodes = socketInodes(pid);
  return ['tcp', 'tcp6'].flatMap((table) => {
    const lines = readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trim().split('\n').slice(1);
    return lines.flatMap((line) => {
      const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
      if (!inodes.has(inode!)) return [];
      const socket = {
        localPort: portOf(local!),
        remotePort: portOf(remote!),
        state: STATES[Number.parseInt(state!, 16) - 1] ?? state!,
      };
      return socket.state === 'LISTEN' ? [] : [socket];
    });
  });
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}

function socketInodes(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  const inodes = new Set<string>();
  for (const name of readdirSync(folder)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1];
      if (inode) inodes.add(inode);
    } catch {
      // It was closed while it was looked at.
    }
  }
  return inodes;
}
