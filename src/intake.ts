import { Socket } from 'node:net';

/** Most bytes that are read of a connection at once. */
export const READ_BYTES = 65_536;

/** Where the bytes of a connection go. */
export interface Intake {
  /** What is read into; connections that share a thread may share it. */
  readonly buffer: Buffer;
  /** Takes what has come; the bytes are its own until it returns, and no longer. */
  take: (bytes: Buffer) => void;
}

interface Slots {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** The part of Node's native sockets, TLS or not, that is meant here. */
interface Handle {
  useUserBuffer?: (buffer: Buffer) => void;
}

const SLOTS = slotsOfSocket();

/**
 * Reads a connected socket, with TLS or without, into the intake's buffer from now on. Without it Node
 * allocates 64 KiB for each read and lets the garbage collector find them again, which is a tenth of what
 * a small request costs. Node offers `onread` for that to who makes a socket, and nothing for one that a
 * server accepted, or that TLS is laid over: so it is told here by the means of `onread` itself. Where a
 * version of Node has others, 'data' events do the same.
 */
export function readInto(socket: Socket, intake: Intake): void {
  const handle = (socket as { readonly _handle?: Handle | null })._handle;
  if (!SLOTS || !handle?.useUserBuffer) {
    socket.on('data', (bytes: Buffer) => intake.take(bytes));
    return;
  }
  // What was put back, or came before.
  if (socket.readableLength > 0) socket.on('data', (bytes: Buffer) => intake.take(bytes));
  const { buffer } = intake;
  const onRead = (length: number) => {
    intake.take(buffer.subarray(0, length));
    return true;
  };
  slotted(socket)[SLOTS.buffer] = buffer;
  slotted(socket)[SLOTS.callback] = onRead;
  handle.useUserBuffer(buffer);
}

/**
 * Lets go of all who listen to a connection that is closed, or read it. One with TLS is reachable until the
 * whole heap is collected, though nobody refers to it, and so were they: the garbage collector copied some
 * 6 KB of each connection twice, and copies half of that.
 */
export function letGo(socket: Socket): void {
  socket.removeAllListeners().on('error', ignore);
  if (SLOTS) slotted(socket)[SLOTS.callback] = null;
}

/** Nothing comes of a connection that is closed. */
function ignore(): void {}

function slotted(socket: Socket): Record<symbol, unknown> {
  return socket as unknown as Record<symbol, unknown>;
}

/** Where Node keeps the two parts of `onread` (lib/net.js), seen at a socket that is given them. */
function slotsOfSocket(): Slots | undefined {
  const onread = { buffer: Buffer.alloc(1), callback: () => true };
  const socket = new Socket({ onread });
  const values = slotted(socket);
  const slotOf = (value: unknown) =>
    Object.getOwnPropertySymbols(socket).find((key) => values[key] === value);
  const buffer = slotOf(onread.buffer);
  const callback = slotOf(onread.callback);
  socket.destroy();
  return buffer && callback && { buffer, callback };
}
