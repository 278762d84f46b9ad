import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type ClientOptions, WebSocket } from 'ws';
import {
  createMockConsole,
  type MockConsole,
  type MockConsoleOptions,
} from '../../src/demo/mock-console.ts';

export interface RunningConsole extends MockConsole {
  readonly port: number;
}

/** A mock console on a free port of the loopback, whose good token is `tok-1`. */
export async function startConsole(
  t: TestContext,
  options: Partial<MockConsoleOptions> = {},
): Promise<RunningConsole> {
  const running = createMockConsole({
    name: 'console-1',
    checkToken: (token) => token === 'tok-1',
    ...options,
  });
  const server = createServer(running.app);
  server.on('upgrade', running.handleUpgrade);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    running.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { ...running, port: (server.address() as AddressInfo).port };
}

/** The viewer's end of an RFB connection: bytes in their order, however they were framed. */
export class RfbViewer {
  readonly socket: WebSocket;
  /** The code and reason with which the connection ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  #arrived: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};
  #ended = false;

  constructor(url: string, options: ClientOptions = {}, protocols: string[] = []) {
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
    this.socket.on('message', (data: Buffer) => {
      this.#arrived = Buffer.concat([this.#arrived, data]);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.#ended = true;
        this.#wake();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Resolves once the handshake is done; rejects with the refusal (`Unexpected server …`). */
  async opened(): Promise<this> {
    await once(this.socket, 'open');
    return this;
  }

  /** The next `length` bytes from the server; rejects where the connection ends before them. */
  async read(length: number): Promise<Buffer> {
    while (this.#arrived.length < length) {
      if (this.#ended) throw new Error(`closed with ${this.#arrived.length} of ${length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const bytes = this.#arrived.subarray(0, length);
    this.#arrived = this.#arrived.subarray(length);
    return bytes;
  }

  send(...bytes: readonly (Buffer | readonly number[])[]): void {
    this.socket.send(Buffer.concat(bytes.map((part) => Buffer.from(part))));
  }

  /** Goes through the handshake; the answer is ServerInit, taken apart. */
  async handshake(): Promise<{ width: number; height: number; format: Buffer; name: string }> {
    await this.read(12);
    this.send(Buffer.from('RFB 003.008\n'));
    await this.read(2);
    this.send([1]);
    await this.read(4);
    this.send([1]);
    const init = await this.read(24);
    const name = await this.read(init.readUInt32BE(20));
    return {
      width: init.readUInt16BE(0),
      height: init.readUInt16BE(2),
      format: init.subarray(4, 20),
      name: name.toString(),
    };
  }

  /** Asks for an update of the screen's upper left `width` × `height` pixels. */
  request(incremental: boolean, width: number, height: number): void {
    const request = Buffer.from([3, incremental ? 1 : 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    request.writeUInt16BE(width, 6);
    request.writeUInt16BE(height, 8);
    this.send(request);
  }

  /** The next update: its rectangles with their bytes, of `bytesPerPixel` each. */
  async update(bytesPerPixel = 4): Promise<Rectangle[]> {
    const head = await this.read(4);
    if (head.readUInt8(0) !== 0) throw new Error(`message ${head.readUInt8(0)} is no update`);
    const rectangles: Rectangle[] = [];
    for (let left = head.readUInt16BE(2); left > 0; left--) {
      const rectangle = await this.read(12);
      const width = rectangle.readUInt16BE(4);
      const height = rectangle.readUInt16BE(6);
      rectangles.push({
        x: rectangle.readUInt16BE(0),
        y: rectangle.readUInt16BE(2),
        width,
        height,
        encoding: rectangle.readInt32BE(8),
        pixels: await this.read(width * height * bytesPerPixel),
      });
    }
    return rectangles;
  }
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly encoding: number;
  readonly pixels: Buffer;
}
