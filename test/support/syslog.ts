import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** A syslog server that keeps what it is sent. */
export interface SyslogServer {
  readonly port: number;
  readonly messages: readonly string[];
}

/** Listens by UDP on a free port of 127.0.0.1; it ends with the test. */
export async function startSyslogServer(t: TestContext): Promise<SyslogServer> {
  const messages: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (bytes) => messages.push(bytes.toString()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return { port: socket.address().port, messages };
}

/** Node has no datagram sockets with a path; this prints what such a one gets. */
const DAEMON = `
import os, socket, sys
path = sys.argv[1]
if os.path.exists(path): os.unlink(path)
daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
daemon.bind(path)
print('ready', flush=True)
while True: print(daemon.recv(65536).decode(), flush=True)
`;

export interface SyslogDaemon {
  readonly messages: () => string[];
  stop(): Promise<void>;
}

/** A syslog daemon on a datagram socket of this host; it ends with the test. */
export async function startSyslogDaemon(t: TestContext, path: string): Promise<SyslogDaemon> {
  const daemon: ChildProcess = spawn('/usr/bin/python3', ['-c', DAEMON, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  daemon.stdout!.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const stop = async () => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return;
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
  };
  t.after(stop);
  await once(daemon.stdout!, 'data');
  return { messages: () => out.split('\n').slice(1, -1), stop };
}
