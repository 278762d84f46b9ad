import { Agent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BackendAddress } from '../upstream/backend-address.ts';
import { dialBackend } from '../upstream/backend-socket.ts';
import type { Endpoints } from '../upstream/endpoints.ts';

/**
 * Where http-proxy-middleware is told to send everything, for it asks for a place. The agent decides
 * where that is, and whether TLS is spoken there: to Node a request is then plain HTTP.
 */
export const AGENT_TARGET = 'http://backend.invalid';

/**
 * An HTTP agent of one backend whose sockets are handed out only once they are connected, and
 * secured where they are to be. A body therefore stays unread until there is somewhere to send it,
 * and a request whose connect failed can go to another backend whatever its method.
 */
export class UpstreamAgent extends Agent {
  readonly #backend: BackendAddress;
  readonly #client: Endpoints | undefined;
  readonly #connectTimeoutMs: number;

  /** @param client The client's connection, for a backend that is told of it. */
  constructor(
    backend: BackendAddress,
    client: Endpoints | undefined,
    connectTimeoutMs: number,
    options: AgentOptions,
  ) {
    super(options);
    this.#backend = backend;
    this.#client = client;
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
    _options: ClientRequestArgs,
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    dialBackend(this.#backend, this.#client, this.#connectTimeoutMs).then(
      (socket) => callback(null, socket),
      // Node looks at the error alone.
      (error: Error) => callback(error, undefined as unknown as Duplex),
    );
  }
}
