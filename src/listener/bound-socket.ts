import type { SendHandle } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import net, { type AddressInfo, type Server } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ListenAddress } from '../config-values.ts';
import { listenError } from './listen.ts';

/**
 * Listening sockets that one process binds and keeps, and others accept from.
 *
 * Each worker has a socket of its own on the same address (SO_REUSEPORT), over which the kernel
 * spreads connections by a hash of their ends: evenly, also those that stay for hours. From one socket
 * for all, whoever is idle at the moment takes the lot: of 400 connections, with one of two workers
 * busy nine tenths of the time, 384 went to the other; on sockets of their own it was 209 and 191.
 *
 * The process that binds keeps every socket open and never accepts. A socket that is closed for good
 * resets the connections in its queue; so a worker that dies or is replaced takes no queue along:
 * what waits in it is accepted by the next worker.
 *
 * Node has no public way to bind without accepting: `listen` does both, and a server that is not to
 * accept cannot be paused. This is what node:cluster makes its handles with. node:cluster itself
 * shares one queue (SCHED_NONE), or has one process accept for all (SCHED_RR), or with `reusePort`
 * binds in the workers, whose queues die with them.
 */
interface Handle {
  readonly fd: number;
  /** 0, or an error as a negative number. */
  getsockname(into: Partial<AddressInfo>): number;
  close(): void;
}

type CreateServerHandle = (
  address: string,
  port: number,
  family: number,
  fd: number,
  flags: number,
) => Handle | number;

const { _createServerHandle: createServerHandle } = net as unknown as {
  _createServerHandle: CreateServerHandle;
};

/** UV_TCP_REUSEPORT of uv.h. */
const REUSE_PORT = 2;

/** A socket that is bound and kept open; nobody accepts from it in this process unless told. */
export class BoundSocket {
  readonly address: AddressInfo;
  readonly #handle: Handle;
  #server: Server | undefined;
  #closed = false;

  /** @param handle One of this file's, or what another process has sent. */
  constructor(handle: Handle | SendHandle) {
    this.#handle = handle as Handle;
    this.address = addressOf(this.#handle);
  }

  /** For `send` to another process, which makes a BoundSocket of what it receives. */
  get handle(): SendHandle {
    return this.#handle as unknown as SendHandle;
  }

  /** Its file descriptor, for a process that is started with it. */
  get fd(): number {
    return this.#handle.fd;
  }

  /** Has a server of this process accept from it, which closes it when it closes. */
  listen(server: Server): Promise<void> {
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#handle, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  /** Closes it in this process; others that have it go on. */
  close(): void {
    if (this.#server || this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }
}

/**
 * Binds so many sockets to one address, a free port where it is 0.
 * @throws ListenError that names the setting, the address, the cause and the remedy; also where
 *   another program listens there, with which they could otherwise share the port unnoticed.
 */
export async function bindSockets(
  setting: string,
  { host, port }: ListenAddress,
  count: number,
): Promise<BoundSocket[]> {
  const sockets: BoundSocket[] = [];
  try {
    const { address, family } = await lookup(host);
    if (port !== 0) bind(address, port, family, 0).close();
    for (let i = 0; i < count; i++) {
      const known = sockets[0]?.address.port ?? port;
      sockets.push(new BoundSocket(bind(address, known, family, REUSE_PORT)));
    }
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw listenError(setting, { host, port }, error as NodeJS.ErrnoException);
  }
}

/** One more socket on the address of another one that this process has. */
export function bindBeside(setting: string, { address, port, family }: AddressInfo): BoundSocket {
  try {
    return new BoundSocket(bind(address, port, family === 'IPv6' ? 6 : 4, REUSE_PORT));
  } catch (error) {
    throw listenError(setting, { host: address, port }, error as NodeJS.ErrnoException);
  }
}

function bind(address: string, port: number, family: number, flags: number): Handle {
  const handle = createServerHandle(address, port, family, -1, flags);
  if (typeof handle === 'number') throw systemError(handle);
  // libuv keeps EADDRINUSE back until it is asked for the address.
  const result = handle.getsockname({});
  if (result === 0) return handle;
  handle.close();
  throw systemError(result);
}

function addressOf(handle: Handle): AddressInfo {
  const address: Partial<AddressInfo> = {};
  const result = handle.getsockname(address);
  if (result !== 0) throw systemError(result);
  return address as AddressInfo;
}

function systemError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`bind ${code}`), { code, errno });
}
