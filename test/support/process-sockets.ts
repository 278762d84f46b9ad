import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One TCP socket of a process, as the kernel sees it. */
export interface ProcessSocket {
  readonly localPort: number;
  readonly remotePort: number;
  /** Of tcp(7), such as ESTABLISHED; one that only the kernel still holds is no one's. */
  readonly state: string;
  /** In how many seconds TCP asks the peer whether it is there; undefined: not, or something else comes first. */
  readonly keepAliveIn: number | undefined;
}

/** The timer of keep-alive, and how time is counted there (proc_net(5)). */
const KEEP_ALIVE_TIMER = 2;
const TICKS_PER_SECOND = 100;

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
  const inodes = new Set(socketFiles(pid));
  return ['tcp', 'tcp6'].flatMap((table) => {
    const lines = readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trim().split('\n').slice(1);
    return lines.flatMap((line) => {
      const [, local, remote, state, , timer, , , , inode] = line.trim().split(/\s+/);
      if (!inodes.has(inode!)) return [];
      const socket = {
        localPort: portOf(local!),
        remotePort: portOf(remote!),
        state: STATES[Number.parseInt(state!, 16) - 1] ?? state!,
        keepAliveIn: keepAliveIn(timer!),
      };
      return socket.state === 'LISTEN' ? [] : [socket];
    });
  });
}

/** How many open files of a process are sockets that listen on that port. */
export function listeningFilesOf(pid: number, port: number): number {
  const listening = new Set(
    ['tcp', 'tcp6'].flatMap((table) => {
      const lines = readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trim().split('\n').slice(1);
      return lines.flatMap((line) => {
        const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
        return state === '0A' && portOf(local!) === port ? [inode!] : [];
      });
    }),
  );
  return socketFiles(pid).filter((inode) => listening.has(inode)).length;
}

function keepAliveIn(timer: string): number | undefined {
  const [kind, ticks] = timer.split(':').map((part) => Number.parseInt(part, 16));
  return kind === KEEP_ALIVE_TIMER ? ticks! / TICKS_PER_SECOND : undefined;
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}

/** The inodes of its sockets, one for each open file. */
function socketFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1] ?? [];
    } catch {
      // It was closed while it was looked at.
      return [];
    }
  });
}
