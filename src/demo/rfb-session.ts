import { type ClientMessage, ClientMessageReader, RfbError } from './rfb-messages.ts';
import { ConsolePicture, SCREEN_HEIGHT, SCREEN_WIDTH } from './rfb-picture.ts';
import {
  type Area,
  formatProblem,
  NATIVE_FORMAT,
  PixelEncoder,
  writePixelFormat,
} from './rfb-pixels.ts';
import { UpdateWriter } from './rfb-updates.ts';

const VERSION = 'RFB 003.008\n';
const SECURITY_NONE = 1;
/** At most eight pictures a second. */
const FRAME_MS = 125;
/** While more than this waits to be sent, no further picture is drawn. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/** How long a client may take to get through the handshake. */
const HANDSHAKE_MS = 10_000;

/** What a session needs of the connection that carries it. */
export interface RfbTransport {
  send(bytes: Buffer): void;
  /** Bytes handed to `send` that have not left yet. */
  buffered(): number;
  /** Ends the connection because the client broke the protocol or let the time pass. */
  fail(reason: string): void;
}

/**
 * The server's side of one RFB 3.8 connection (RFC 6143), without authentication: it sends
 * pictures only when asked, only what changed, and none while earlier ones still wait.
 */
export class RfbSession {
  readonly #name: string;
  readonly #transport: RfbTransport;
  readonly #reader = new ClientMessageReader();
  readonly #picture: ConsolePicture;
  readonly #updates: UpdateWriter;
  readonly #handshakeTimer: NodeJS.Timeout;
  #frameTimer: NodeJS.Timeout | undefined;
  #encoder = new PixelEncoder(NATIVE_FORMAT);
  #wanted: { area: Area; incremental: boolean } | undefined;
  #lastFrame = 0;
  #closed = false;

  /** Starts the handshake at once; `name` is drawn and ends the desktop's name. */
  constructor(name: string, transport: RfbTransport) {
    this.#name = name;
    this.#transport = transport;
    this.#picture = new ConsolePicture(name);
    this.#updates = new UpdateWriter(this.#picture.raster);
    this.#handshakeTimer = setTimeout(
      () => this.#fail(`the handshake took more than ${HANDSHAKE_MS / 1000} s`),
      HANDSHAKE_MS,
    );
    transport.send(Buffer.from(VERSION, 'latin1'));
  }

  /** Takes bytes from the client, cut anywhere. Never throws: a broken peer is told to `fail`. */
  receive(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      this.#reader.push(chunk);
      for (let message = this.#reader.next(); message; message = this.#reader.next()) {
        this.#handle(message);
      }
    } catch (error) {
      if (!(error instanceof RfbError)) throw error;
      this.#fail(error.message);
    }
  }

  /** The connection is gone: stops every timer. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#handshakeTimer);
    clearInterval(this.#frameTimer);
  }

  #fail(reason: string): void {
    this.close();
    this.#transport.fail(reason);
  }

  #handle(message: ClientMessage): void {
    switch (message.type) {
      case 'version':
        if (message.version !== VERSION) throw new RfbError('only RFB 003.008 is spoken here');
        this.#transport.send(Buffer.from([1, SECURITY_NONE]));
        break;
      case 'security':
        if (message.choice !== SECURITY_NONE) {
          throw new RfbError(`security type ${message.choice} was not offered`);
        }
        this.#transport.send(Buffer.alloc(4)); // SecurityResult: OK
        break;
      case 'init':
        clearTimeout(this.#handshakeTimer);
        this.#frameTimer = setInterval(() => this.#sendPicture(), FRAME_MS);
        this.#transport.send(serverInit(`Dashgate console ${this.#name}`));
        break;
      case 'setPixelFormat': {
        const problem = formatProblem(message.format);
        if (problem !== undefined) throw new RfbError(problem);
        this.#encoder = new PixelEncoder(message.format);
        break;
      }
      case 'updateRequest':
        this.#want(message.area, message.incremental);
        break;
      case 'key':
        if (message.down) this.#picture.key(message.keysym);
        break;
      case 'pointer':
        this.#picture.pointer(message.x, message.y, message.buttons);
        break;
      case 'setEncodings': // Raw needs no leave, and nothing else is sent.
      case 'cutText':
        break;
    }
  }

  /**
   * One request is kept. Of two that wait together a whole one wins over an incremental one, so
   * a client that asks faster than it is served still gets all that it asked for.
   */
  #want(area: Area, incremental: boolean): void {
    const waiting = this.#wanted;
    const whole = { x: 0, y: 0, width: SCREEN_WIDTH, height: SCREEN_HEIGHT };
    this.#wanted =
      waiting === undefined
        ? { area, incremental }
        : { area: whole, incremental: waiting.incremental && incremental };
    if (Date.now() - this.#lastFrame >= FRAME_MS) this.#sendPicture();
  }

  #sendPicture(): void {
    if (this.#wanted === undefined || this.#transport.buffered() > MAX_BUFFERED_BYTES) return;
    const now = Date.now();
    this.#picture.draw(now);
    const update = this.#updates.write(this.#wanted.area, this.#wanted.incremental, this.#encoder);
    if (update === undefined) return; // Nothing changed: the request stays open, as RFB has it.
    this.#wanted = undefined;
    this.#lastFrame = now;
    this.#transport.send(update);
  }
}

/** ServerInit, RFC 6143 section 7.3.2. */
function serverInit(desktopName: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16BE(SCREEN_WIDTH, 0);
  size.writeUInt16BE(SCREEN_HEIGHT, 2);
  const name = Buffer.from(desktopName, 'utf8');
  const nameLength = Buffer.alloc(4);
  nameLength.writeUInt32BE(name.length);
  return Buffer.concat([size, writePixelFormat(NATIVE_FORMAT), nameLength, name]);
}
