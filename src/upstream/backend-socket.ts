import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { messageOf } from '../errors.ts';
import { type Intake, readInto } from '../intake.ts';
import { TCP_OPTIONS } from '../tcp-options.ts';
import { type BackendAddress, portOf } from './backend-address.ts';
import { describeTlsFailure } from './backend-tls.ts';
import type { Endpoints } from './endpoints.ts';
import { ConnectError, HandshakeError } from './failure.ts';
import { proxyHeader } from './proxy-header.ts';

/** A connection to a backend that is to be opened, and who is told. One of the two is called, once. */
export interface Opening {
  readonly backend: BackendAddress;
  /** The client's connection that it is for, told to backends with send-proxy; undefined: none. */
  readonly client: Endpoints | undefined;
  /** Whether it stays open for writing when the backend ends its side. */
  readonly allowHalfOpen: boolean;
  /** Takes what comes, instead of 'data' events. */
  readonly intake?: Intake | undefined;
  /** It is there: connected, and where it is to be, secured and verified. Nobody listens to it yet. */
  readonly onOpen: (socket: Socket) => void;
  readonly onFailed: (error: ConnectError) => void;
}

/**
 * Opens a connection to a backend: TCP, then its PROXY protocol header, then TLS, each where the
 * backend is to have it. It has no deadline of its own.
 * @returns A function that gives up; none of the two is called after it.
 */
export function openBackendSocket(opening: Opening): () => void {
  const { backend, client, allowHalfOpen, intake, onOpen, onFailed } = opening;
  const raw = connect({
    host: backend.url.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(backend.url),
    ...TCP_OPTIONS,
    allowHalfOpen,
  });
  let socket = raw;

  function onConnect(): void {
    try {
      if (backend.sendProxy) raw.write(proxyHeader(backend.sendProxy, raw, client));
    } catch (error) {
      fail(error as Error);
      return;
    }
    if (!backend.tls) {
      open();
      return;
    }
    detach();
    socket = backend.tls.secure(raw);
    socket.on('secureConnect', open);
    attach();
  }

  function open(): void {
    detach();
    if (intake) readInto(socket, intake);
    onOpen(socket);
  }

  function fail(error: Error): void {
    giveUp();
    onFailed(connectErrorOf(error, socket));
  }

  function closed(): void {
    fail(new Error('the connection was closed before it was ready'));
  }

  function giveUp(): void {
    detach();
    // What follows an error is 'close'; the handler keeps it from being thrown.
    socket.on('error', () => {});
    socket.destroy();
  }

  function attach(): void {
    socket.on('error', fail).on('close', closed);
  }

  function detach(): void {
    socket.off('connect', onConnect).off('secureConnect', open);
    socket.off('error', fail).off('close', closed);
  }

  raw.on('connect', onConnect);
  attach();
  return giveUp;
}

/**
 * Opens a connection to a backend as `openBackendSocket` does, within `timeoutMs`.
 * @throws ConnectError
 */
export function dialBackend(
  backend: BackendAddress,
  client: Endpoints | undefined,
  timeoutMs: number,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const giveUp = openBackendSocket({
      backend,
      client,
      allowHalfOpen: false,
      onOpen: (socket) => {
        clearTimeout(timer);
        resolve(socket);
      },
      onFailed: (error) => {
        clearTimeout(timer);
        reject(error);
      },
    });
    const timer = setTimeout(() => {
      giveUp();
      reject(new ConnectError(`no connection within ${timeoutMs} ms`));
    }, timeoutMs);
  });
}

function connectErrorOf(error: Error, socket: Socket): ConnectError {
  const cause = { cause: error };
  const detail = socket instanceof TLSSocket ? describeTlsFailure(error, socket) : undefined;
  if (detail !== undefined) return new HandshakeError(detail, cause);
  return new ConnectError(messageOf(error), cause);
}
