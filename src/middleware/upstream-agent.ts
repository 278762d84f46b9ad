import { Agent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConnectError } from '../upstream/failure.ts';

/**
 * An HTTP agent whose sockets are handed out only once they are connected. A body therefore stays
 * unread until there is somewhere to send it, and a request whose connect failed can go to another
 * backend whatever its method.
 */
export class UpstreamAgent extends Agent {
  readonly #connectTimeoutMs: number;

  constructor(connectTimeoutMs: number, options: AgentOptions) {
    super(options);
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  /** Ends idle connections now and busy ones once they are free; `destroy` would cut them. */
  retire(): void {
    this.maxFreeSockets = 0;
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  override createConnection(
    options: ClientRequestArgs,
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const address = { hostname: options.host ?? 'localhost', port: options.port ?? 80 };
    dial(address, this.#connectTimeoutMs).then(
      (socket) => callback(null, socket),
      // Node looks at the error alone.
      (error: Error) => callback(error, undefined as unknown as Duplex),
    );
  }
}

/**
 * Connects to a backend within `timeoutMs`.
 * @throws ConnectError
 */
export function dial(
  address: { readonly hostname: string; readonly port: string | number },
  timeoutMs: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address.hostname.replace(/^\[|\]$/g, ''),
      port: Number(address.port) || 80,
      noDelay: true,
      keepAlive: true,
    });
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${timeoutMs} ms`));
    }, timeoutMs);
    const failed = (error: Error) => {
      clearTimeout(timer);
      reject(new ConnectError(error.message, { cause: error }));
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
