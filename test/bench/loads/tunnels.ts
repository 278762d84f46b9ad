import { connect, createSecureContext, type TLSSocket } from 'node:tls';

const OPENED_SIDE_BY_SIDE = 32;
const DEADLINE_MS = 20_000;
const HEAD_LIMIT = 16_384;

/** Websockets through a proxy, as raw TLS sockets past their handshake. */
export class Tunnels {
  readonly sockets: readonly TLSSocket[];
  #lost = 0;
  #closing = false;

  private constructor(sockets: readonly TLSSocket[]) {
    this.sockets = sockets;
    for (const socket of sockets) {
      socket.on('close', () => {
        if (!this.#closing) this.#lost++;
      });
    }
  }

  /**
   * Opens `count` of them.
   * @throws Error for the first that does not open.
   */
  static async open(port: number, count: number): Promise<Tunnels> {
    const secureContext = createSecureContext();
    const sockets: TLSSocket[] = [];
    let left = count;
    const lane = async () => {
      while (left > 0) {
        left--;
        sockets.push(await openTunnel(port, secureContext));
      }
    };
    try {
      await Promise.all(Array.from({ length: OPENED_SIDE_BY_SIDE }, lane));
    } catch (error) {
      left = 0;
      for (const socket of sockets) socket.destroy();
      throw error;
    }
    return new Tunnels(sockets);
  }

  /** How many have closed by themselves. */
  get lost(): number {
    return this.#lost;
  }

  /** Closes them all; resolves when they are. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      this.sockets
        .filter((socket) => !socket.closed)
        .map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())),
    );
  }
}

/** One websocket, past its handshake (RFC 6455 §4.1); any certificate will do. */
function openTunnel(
  port: number,
  secureContext: ReturnType<typeof createSecureContext>,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let head = '';
    const socket = connect({
      host: '127.0.0.1',
      port,
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    const failed = (error?: Error) => {
      socket.destroy();
      reject(error ?? new Error(`the websocket closed in its handshake: ${head.slice(0, 200)}`));
    };
    const closed = () => failed();
    const receive = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.length < HEAD_LIMIT) return;
      if (end !== head.length - 4 || !head.startsWith('HTTP/1.1 101 ')) {
        failed(new Error(`no websocket: ${head.slice(0, 200)}`));
        return;
      }
      socket.setTimeout(0);
      socket.off('data', receive);
      socket.off('close', closed);
      // An error is followed by close, which is counted.
      socket.on('error', () => {});
      resolve(socket);
    };
    socket.setNoDelay(true);
    socket.setTimeout(DEADLINE_MS, () => failed(new Error('the websocket did not open in 20 s')));
    socket.once('error', failed);
    socket.once('close', closed);
    socket.on('data', receive);
    socket.write(
      `GET /websockify?token=bench HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZGFzaGdhdGUtYmVuY2gtMQ==\r\nOrigin: https://127.0.0.1:${port}\r\n\r\n`,
    );
  });
}
