import { type BlockList, createServer, isIPv6, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import { letGo } from '../intake.ts';
import { FirstObjects } from '../object-layout.ts';
import { plainAddress } from '../policy/networks.ts';
import { type Seat, subscriber } from '../policy/seats.ts';
import { TCP_OPTIONS } from '../tcp-options.ts';
import { type Endpoints, endpointsOf } from '../upstream/endpoints.ts';
import { readClientHello } from './client-hello.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { readFirstBytes } from './first-bytes.ts';
import { HandshakeTurns } from './handshake-turns.ts';
import { parseProxyHeader } from './proxy-protocol.ts';
import type { TlsContexts } from './tls-contexts.ts';

/** Why a connection never came through. */
export interface Refusal {
  readonly cause: 'accept' | 'limit' | 'address' | 'proxyHeader' | 'handshake';
  /** The other end of the connection; empty where it is gone already. */
  readonly peer: string;
  /** One phrase for the log. */
  readonly detail: string;
}

export interface ListenerOptions {
  /** Connections are secured by these; plain without. */
  readonly tls?: TlsContexts | undefined;
  /** Longest time of a TLS handshake, in ms. */
  readonly handshakeTimeoutMs: number;
  /**
   * Peers that have to begin with a PROXY protocol header (version 1 or 2) and are believed. What
   * others send is the connection's own from its first byte.
   */
  readonly proxies?: BlockList | undefined;
  /** Longest wait for that header, in ms. */
  readonly proxyTimeoutMs: number;
  /** Of connections that are open; more are closed as they come. */
  readonly limit?: ConnectionLimit | undefined;
  /** The place of a connection among those of its address; undefined: it may have no more. */
  readonly seatOf?: ((address: string) => Seat | 'free' | undefined) | undefined;
  /**
   * Takes a connection over. Its 'error' and 'data' are to be listened to before the call returns,
   * and its 'end' too: it stays open for writing (`allowHalfOpen`) until it is ended.
   */
  readonly onConnection: (socket: Socket, endpoints: Endpoints) => void;
  /** Told of every TLS handshake that is through; `resumed`: an earlier session was gone on with. */
  readonly onSecured?: (resumed: boolean) => void;
  /** Told of what never became a connection; clients' affairs, for counters and debugging. */
  readonly onRefused?: (refusal: Refusal) => void;
}

/** A little less than the first buffer of Node's TLS. */
const PIECE_BYTES = 1_000;
/** The one protocol that is spoken (RFC 7301 §6); a client that offers others only is refused (§3.2). */
const PROTOCOL = 'http/1.1';
/** The same as TLS has it (§3.1). */
const PROTOCOL_LIST = new DataView(
  Uint8Array.of(PROTOCOL.length, ...Buffer.from(PROTOCOL, 'latin1')).buffer,
);

/** Of all listeners. Other sockets the process has from its start. */
const firstTlsSockets = new FirstObjects();

/**
 * Accepts connections, reads the PROXY protocol header of those that have one, does the TLS
 * handshake, and hands them over.
 */
export class Listener {
  /** To be bound with `listen`; its `close` resolves when the last connection is gone. */
  readonly server: Server;
  readonly #options: ListenerOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /**
   * One for each context, which goes with it; none of them listens. Node's own way, SNICallback, can
   * give a name but one certificate, and so cannot serve RSA and ECDSA together (nodejs/node#54235).
   */
  readonly #tlsServers = new WeakMap<SecureContextOptions, TlsServer>();
  readonly #turns = new HandshakeTurns();
  /** Endpoints that a PROXY protocol header told of a connection, for the time when it is secured. */
  readonly #told = new WeakMap<Socket, Endpoints>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.server = this.addServer();
  }

  /**
   * One more server, to be bound to the same socket: each accepts one connection in a turn of the event
   * loop, and all that are accepted are those of this listener.
   */
  addServer(): Server {
    const server = createServer(TCP_OPTIONS);
    server.on('connection', (socket) => this.#onAccepted(socket));
    // Before that, an error means that binding failed, which `listen` reports.
    server.once('listening', () => {
      server.on('error', (error) => this.#refuse('accept', undefined, error.message));
    });
    this.#servers.push(server);
    return server;
  }

  /** Open connections, with those that are not through yet. */
  get connections(): number {
    return this.#sockets.size;
  }

  /**
   * Accepts no more. What is on its way in is still handed over, within its deadlines. Resolves
   * when the last connection is gone.
   */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => new Promise((resolve) => void server.close(resolve))),
    );
  }

  /** Ends every connection at once. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #onAccepted(socket: Socket): void {
    const { limit, proxies } = this.#options;
    if (limit && !limit.take()) {
      this.#refuse('limit', socket.remoteAddress, `more than ${limit.max} connections`);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('error', ignore);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      limit?.release();
      letGo(socket);
    });
    const address = plainAddress(socket.remoteAddress);
    if (address === '') {
      // Its client has reset it already, and nobody knows who it was.
      socket.destroy();
    } else if (proxies?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) {
      this.#readProxyHeader(socket);
    } else {
      this.#begin(socket, undefined);
    }
  }

  #readProxyHeader(socket: Socket): void {
    readFirstBytes(socket, {
      timeoutMs: this.#options.proxyTimeoutMs,
      decide: (bytes) => {
        const header = parseProxyHeader(bytes);
        return header && { value: header.endpoints, length: header.length };
      },
      onDecided: (endpoints) => this.#begin(socket, endpoints),
      onFailed: (detail) => this.#refuse('proxyHeader', socket.remoteAddress, detail),
    });
  }

  #begin(socket: Socket, told: Endpoints | undefined): void {
    if (!this.#seat(socket, told?.address ?? plainAddress(socket.remoteAddress))) return;
    const { tls } = this.#options;
    if (!tls) {
      socket.allowHalfOpen = true;
      // On the next tick, when the new owner listens.
      if (socket.isPaused()) socket.resume();
      this.#options.onConnection(socket, told ?? endpointsOf(socket));
      return;
    }
    if (told) this.#told.set(socket, told);
    this.#readClientHello(socket, tls, told?.address ?? plainAddress(socket.remoteAddress));
  }

  /** Gives a connection its place among those of its address; without one it is closed. */
  #seat(socket: Socket, address: string): boolean {
    const { seatOf } = this.#options;
    if (!seatOf) return true;
    const seat = seatOf(address);
    if (seat === undefined) {
      this.#refuse('address', socket.remoteAddress, `${address} has as many as it may`);
      socket.destroy();
      return false;
    }
    if (seat !== 'free') socket.on('close', () => seat.leave());
    return true;
  }

  /**
   * Waits for the message that makes work before it begins the handshake: for the name in it, and
   * because who says nothing then costs no more than a socket.
   */
  #readClientHello(socket: Socket, tls: TlsContexts, address: string): void {
    readFirstBytes(socket, {
      timeoutMs: this.#options.handshakeTimeoutMs,
      decide: (bytes) => {
        const hello = readClientHello(bytes);
        return hello && { value: hello.serverName, length: 0 };
      },
      onDecided: (name) => {
        this.#turns.take(subscriber(address), () => {
          if (!socket.destroyed) this.#secure(socket, tls.optionsFor(name));
        });
      },
      onFailed: (detail) => this.#refuse('handshake', socket.remoteAddress, detail),
    });
  }

  #secure(socket: Socket, context: SecureContextOptions): void {
    let server = this.#tlsServers.get(context);
    if (!server) {
      server = this.#createTlsServer(context);
      this.#tlsServers.set(context, server);
    }
    readInPieces(socket);
    // The documented way to have a TLS server take a connection that it did not accept itself.
    server.emit('connection', socket);
  }

  #createTlsServer(context: SecureContextOptions): TlsServer {
    const server = createTlsServer({
      ...context,
      ALPNProtocols: [PROTOCOL],
      handshakeTimeout: this.#options.handshakeTimeoutMs,
    });
    copyByItself(server);
    server.on('secureConnection', (socket) => {
      firstTlsSockets.keep(socket);
      socket.on('close', () => letGo(socket));
      socket.allowHalfOpen = true;
      this.#options.onSecured?.(socket.isSessionReused());
      const below = belowTls(socket);
      this.#options.onConnection(socket, this.#told.get(below) ?? endpointsOf(below));
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      firstTlsSockets.keep(socket);
      this.#refuse('handshake', belowTls(socket).remoteAddress, error.code ?? error.message);
      socket.destroy();
    });
    return server;
  }

  #refuse(cause: Refusal['cause'], peer: string | undefined, detail: string): void {
    this.#options.onRefused?.({ cause, peer: plainAddress(peer), detail });
  }
}

/**
 * Node keeps a copy of its list of protocols for each connection. That of a Buffer is in the memory pool of
 * buffers, of which 4 KiB cannot be freed then for as long as the connection lasts; that of any other view
 * is by itself (convertALPNProtocols). An ALPNCallback needs no list, but is a call out of OpenSSL, through
 * arrays of strings, in every handshake.
 */
function copyByItself(server: TlsServer): void {
  (server as { ALPNProtocols?: DataView }).ALPNProtocols = PROTOCOL_LIST;
}

/**
 * Has what was read of a connection come out of it piece by piece. Node's TLS reads all of it as one, and where
 * that is 1 KiB or more it fills the first buffer of its input to the last byte, so that the next one, of
 * 16 KiB, is allocated, and kept for as long as the connection lasts (NodeBIO::Commit). A browser's first
 * message has 1.8 KiB, most of which is the key share of X25519MLKEM768. OpenSSL takes each piece at once.
 */
function readInPieces(socket: Socket): void {
  if (socket.readableLength <= PIECE_BYTES) return;
  const { read } = socket;
  const readPiece = (size?: number) => read.call(socket, size ?? nextPiece(socket));
  socket.read = readPiece;
}

function nextPiece({ readableLength }: Socket): number | undefined {
  return readableLength > PIECE_BYTES ? PIECE_BYTES : undefined;
}

/** What follows an error is 'close'. */
function ignore(): void {}

/**
 * The socket that TLS is laid over, the one that was accepted. It has been asked for its peer already, and
 * remembers it, even where the connection has been reset since.
 */
function belowTls(socket: TLSSocket): Socket {
  return (socket as { readonly _parent?: Socket | null })._parent ?? socket;
}
