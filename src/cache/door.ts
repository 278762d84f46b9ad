import { type BlockList, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import { type Logger, silentLogger } from '../log.ts';
import { parseNetworks, plainAddress, trusts } from '../policy/networks.ts';
import { TCP_OPTIONS } from '../tcp-options.ts';
import type { CacheStore } from './cache-store.ts';
import { DoorConnection, type DoorConnectionOptions } from './door-connection.ts';
import { type ConnectionRefusal, DoorCounters } from './door-counters.ts';
import { SparseLog } from './door-log.ts';
import { REPLIES } from './door-replies.ts';
import { DoorStats } from './door-stats.ts';

export interface CacheDoorOptions {
  readonly store: CacheStore;
  /** Networks whose clients are served; this host only unless told. */
  readonly allowed?: BlockList;
  /** Connections are secured by these; plain without. */
  readonly tls?: SecureContextOptions;
  /** Longest time of a TLS handshake, in ms. */
  readonly handshakeTimeoutMs?: number;
  /** Most open connections; more are told so and closed. */
  readonly maxConnections?: number;
  /** The longest value taken, in bytes. */
  readonly maxValueBytes?: number;
  /** Whether clients may empty the cache, which logs everybody out. */
  readonly allowFlush?: boolean;
  /** How long a client may be silent in the midst of a command, or not read its answers, in ms. */
  readonly stallTimeoutMs?: number;
  /** How long it may be silent between commands, in ms; 0, as in memcached, for ever. */
  readonly idleTimeoutMs?: number;
  readonly logger?: Logger;
}

/** Values as large as memcached's own defaults allow (`-I`, `-c`). */
export const DOOR_DEFAULTS = {
  handshakeTimeoutMs: 10_000,
  maxConnections: 1024,
  maxValueBytes: 1024 * 1024,
  allowFlush: false,
  stallTimeoutMs: 30_000,
  idleTimeoutMs: 0,
} as const;

/** Clients that look at the version see the memcached whose answers the door gives. */
export const DOOR_VERSION = '1.6.18-dashgate';
/** How long answers that are under way may take to leave when the door closes, in ms. */
const DEFAULT_CLOSE_MS = 5_000;
/** How many that were too many are told so at a time, and how long they may take to hear it, in ms. */
const MAX_TURNED_AWAY = 64;
const TURN_AWAY_MS = 1_000;

/**
 * The session cache's server: speaks memcached's text protocol with the dashboards, and asks a
 * {@link CacheStore} for the answers. To be bound with `listen(door.server, …)`.
 */
export class CacheDoor {
  readonly server: Server;
  readonly counters = new DoorCounters();
  readonly #options: Required<Omit<CacheDoorOptions, 'tls' | 'logger'>>;
  readonly #connectionOptions: DoorConnectionOptions;
  readonly #tls: TlsServer | undefined;
  readonly #log: SparseLog;
  readonly #sockets = new Set<Socket>();
  readonly #turnedAway = new Set<Socket>();
  readonly #connections = new Set<DoorConnection>();
  #draining = false;
  #closed: Promise<void> | undefined;

  constructor(options: CacheDoorOptions) {
    const { tls, logger = silentLogger, ...rest } = options;
    const allowed = parseNetworks(['127.0.0.0/8', '::1']);
    this.#options = { ...DOOR_DEFAULTS, allowed, ...rest };
    this.#log = new SparseLog(logger);
    const { counters } = this;
    const about = { ...this.#options, version: DOOR_VERSION };
    this.#connectionOptions = {
      ...about,
      counters,
      stats: new DoorStats(counters, about),
      log: this.#log,
    };
    this.#tls = tls && this.#createTlsServer(tls);
    this.server = createServer({ ...TCP_OPTIONS, allowHalfOpen: true });
    this.server.on('connection', (socket) => this.#onAccepted(socket));
    // Before that, an error means that binding failed, which `listen` reports.
    this.server.once('listening', () => {
      this.server.on('error', (error) => {
        this.#log.warn('accept', { reason: error.message }, 'a client could not be accepted');
      });
    });
  }

  /**
   * Accepts no more connections, lets clients go on for up to `graceMs` until they hang up by
   * themselves (Django does after each request), then reads no further command, and resolves when
   * the answers to those that were read have left, `deadlineMs` later at the latest.
   */
  async close({ graceMs = 0, deadlineMs = DEFAULT_CLOSE_MS } = {}): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.server.close(() => resolve()));
    const drain = setTimeout(() => this.#drain(), graceMs);
    const destroy = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs + deadlineMs);
    if (graceMs === 0) this.#drain();
    await this.#closed;
    clearTimeout(drain);
    clearTimeout(destroy);
  }

  #drain(): void {
    this.#draining = true;
    for (const socket of this.#turnedAway) socket.destroy();
    for (const connection of this.#connections) connection.drain();
  }

  #onAccepted(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    if (address === '' || !trusts(this.#options.allowed, address)) {
      socket.destroy();
      // Without an address it was reset before anybody could look at it.
      if (address !== '') this.#refuse('access', address, NOT_ALLOWED);
      return;
    }
    if (this.#sockets.size >= this.#options.maxConnections) {
      this.#refuse('limit', address, TOO_MANY);
      this.#turnAway(socket);
      return;
    }
    this.#sockets.add(socket);
    this.counters.connections.total++;
    this.counters.connections.open++;
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.counters.connections.open--;
    });
    // The documented way to have a TLS server take a connection that it did not accept itself.
    if (this.#tls !== undefined) this.#tls.emit('connection', socket);
    else this.#serve(socket);
  }

  /** Says why to a few at a time: without reading what they send, a reset would take the words. */
  #turnAway(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#tls !== undefined || this.#turnedAway.size >= MAX_TURNED_AWAY) {
      socket.destroy();
      return;
    }
    this.#turnedAway.add(socket);
    socket.once('close', () => this.#turnedAway.delete(socket));
    socket.setTimeout(TURN_AWAY_MS, () => socket.destroy());
    socket.resume().end(REPLIES.tooManyConnections);
  }

  #serve(socket: Socket): void {
    const connection = new DoorConnection(socket, this.#connectionOptions);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    if (this.#draining) connection.drain();
  }

  #createTlsServer(context: SecureContextOptions): TlsServer {
    const { handshakeTimeoutMs: handshakeTimeout } = this.#options;
    const server = createTlsServer({ ...context, handshakeTimeout, allowHalfOpen: true });
    server.on('secureConnection', (socket) => this.#serve(socket));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const reason = error.code ?? error.message;
      this.#refuse('handshake', plainAddress(socket.remoteAddress), `${NO_HANDSHAKE} (${reason})`);
      socket.destroy();
    });
    return server;
  }

  #refuse(cause: ConnectionRefusal, client: string, message: string): void {
    this.counters.refused[cause]++;
    this.#log.warn(cause, { client }, message);
  }
}

const NOT_ALLOWED =
  'a client of the cache was refused: its address is in none of the networks allowed';
const TOO_MANY =
  'a client of the cache was refused: too many connections; raise the limit, or close idle ones';
const NO_HANDSHAKE = 'a client of the cache made no TLS handshake';
