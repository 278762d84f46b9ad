import { readFileSync } from 'node:fs';
import type { Check } from './check.ts';
import type { Report } from './finding.ts';

/** The text of a file below /proc/sys; undefined where there is none. */
export type ReadSysctl = (name: string) => string | undefined;

/** Connections that may wait to be accepted, as Node asks for them: the kernel gives no more than it has. */
const BACKLOG = 511;
/** Connections to one address that a host can have at the least without a word here. */
const FEW_PORTS = 16_000;

/** Settings of the kernel that bear on many connections. */
export const kernelCheck: Check = {
  name: 'kernel',
  run(_, report) {
    examineKernel(readSysctl, report);
  },
};

/** What it says of settings that `read` gives. */
export function examineKernel(read: ReadSysctl, report: Report): void {
  const numbers = (name: string) => read(name)?.trim().split(/\s+/).map(Number) ?? [];
  const [backlog] = numbers('net.core.somaxconn');
  if (backlog !== undefined) {
    const few = backlog < BACKLOG;
    report({
      severity: few ? 'note' : 'ok',
      subject: 'net.core.somaxconn',
      detail: `${backlog} connections may wait to be accepted by each process`,
      remedy: few ? 'sysctl -w net.core.somaxconn=4096' : undefined,
    });
  }
  const [first, last] = numbers('net.ipv4.ip_local_port_range');
  if (first !== undefined && last !== undefined) {
    const few = last - first < FEW_PORTS;
    report({
      severity: few ? 'note' : 'ok',
      subject: 'net.ipv4.ip_local_port_range',
      detail: `${last - first + 1} connections to each backend can be open at once`,
      remedy: few ? 'sysctl -w net.ipv4.ip_local_port_range="15000 64999"' : undefined,
    });
  }
}

function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8');
  } catch {
    return undefined;
  }
}
