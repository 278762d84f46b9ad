import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CommandParser, EndlessCommand } from '../memcached/command-parser.ts';
import { ItemStore, MAX_ITEM_BYTES } from './item-store.ts';
import { execute } from './memcached-commands.ts';

export interface EmbeddedMemcachedOptions {
  /** 127.0.0.1 unless told. */
  readonly host?: string;
  /** A free port unless told. */
  readonly port?: number;
  /** Memory for items, in bytes; 64 MiB unless told, as memcached's own default. */
  readonly maxBytes?: number;
  /** The clock, in ms of unix time; `Date.now` unless told. */
  readonly now?: () => number;
}

export interface EmbeddedMemcached {
  readonly host: string;
  readonly port: number;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const MAX_CONNECTIONS = 1024;

/**
 * A memcached inside this process, for machines that have none: the demo cluster and tests. It
 * speaks the text protocol over TCP and forgets everything when closed. Rejects if the address
 * cannot be bound.
 */
export async function startEmbeddedMemcached(
  options: EmbeddedMemcachedOptions = {},
): Promise<EmbeddedMemcached> {
  const { host = '127.0.0.1', port = 0, maxBytes = DEFAULT_MAX_BYTES, now = Date.now } = options;
  const store = new ItemStore({ maxBytes, now });
  const startedAt = now();
  const connections = new Set<Socket>();
  const stats = () =>
    new Map<string, string | number>([
      ['pid', process.pid],
      ['uptime', Math.floor((now() - startedAt) / 1000)],
      ['time', Math.floor(now() / 1000)],
      ['curr_connections', connections.size],
      ['limit_maxbytes', maxBytes],
    ]);

  const server = createServer({ noDelay: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    // A client that breaks off concerns nobody else.
    socket.on('error', () => {});
    serve(socket, { store, stats }).catch(() => socket.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');

  return {
    host,
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers one connection until it ends; reads no further than the client takes the answers. */
async function serve(socket: Socket, context: Parameters<typeof execute>[0]): Promise<void> {
  const parser = new CommandParser({ maxValueBytes: MAX_ITEM_BYTES });
  // After `quit` the answers before it are still to leave.
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    socket.cork();
    try {
      for (const command of parser.push(chunk)) {
        const reply = execute(context, command);
        if (reply === 'close') return void socket.end();
        if (socket.write(reply)) continue;
        socket.uncork();
        await drained(socket);
        socket.cork();
      }
    } catch (error) {
      if (!(error instanceof EndlessCommand)) throw error;
      return void socket.destroy();
    } finally {
      socket.uncork();
    }
  }
}

async function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain || socket.destroyed) return;
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]);
  } finally {
    settled.abort();
  }
}
