import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type {
  CachedItem,
  CacheStore,
  MetaAnswer,
  MetaCommand,
  StorageVerb,
} from '../../src/cache/cache-store.ts';
import { ProtocolError } from '../../src/memcached/client.ts';

/** One line of a node's answer, and the value where one follows. */
interface Part {
  readonly line: string;
  readonly value?: Buffer;
}

interface Waiting {
  /** Whether a part is the last of the answer. */
  readonly ends: (line: string) => boolean;
  readonly parts: Part[];
  readonly resolve: (parts: readonly Part[]) => void;
  readonly reject: (error: Error) => void;
}

const ERROR_LINE = /^(?:ERROR|CLIENT_ERROR|SERVER_ERROR)\b/;

/** A cache store that is one real memcached, with nothing between; keys are bytes as Latin-1. */
export class NodeStore implements CacheStore {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      while (this.#takePart()) {}
    });
    socket.on('close', () => {
      for (const { reject } of this.#waiting) reject(new Error('the node closed the connection'));
    });
  }

  static async connect(
    t: { after(hook: () => unknown): void },
    { host, port }: { host: string; port: number },
  ): Promise<NodeStore> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    t.after(() => socket.destroy());
    return new NodeStore(socket);
  }

  async get(key: string): Promise<CachedItem | undefined> {
    return (await this.getMany([key])).get(key);
  }

  async getMany(keys: readonly string[]): Promise<Map<string, CachedItem>> {
    return itemsOf(await this.#ask(`gets ${keys.join(' ')}`, undefined, (line) => line === 'END'));
  }

  async getAndTouch(key: string, exptime: number): Promise<CachedItem | undefined> {
    const parts = await this.#ask(`gats ${exptime} ${key}`, undefined, (line) => line === 'END');
    return itemsOf(parts).get(key);
  }

  async store(verb: StorageVerb, key: string, value: Buffer, flags: number, exptime: number) {
    const line = await this.#line(`${verb} ${key} ${flags} ${exptime} ${value.length}`, value);
    return line as 'STORED' | 'NOT_STORED';
  }

  async cas(key: string, value: Buffer, version: bigint, flags: number, exptime: number) {
    const command = `cas ${key} ${flags} ${exptime} ${value.length} ${version}`;
    return (await this.#line(command, value)) as 'STORED' | 'EXISTS' | 'NOT_FOUND';
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#line(`delete ${key}`)) === 'DELETED';
  }

  async touch(key: string, exptime: number): Promise<boolean> {
    return (await this.#line(`touch ${key} ${exptime}`)) === 'TOUCHED';
  }

  async count(verb: 'incr' | 'decr', key: string, by: bigint): Promise<bigint | undefined> {
    const line = await this.#line(`${verb} ${key} ${by}`);
    return line === 'NOT_FOUND' ? undefined : BigInt(line);
  }

  async meta({ verb, key, flags, value }: MetaCommand): Promise<MetaAnswer> {
    const words = [verb, key, ...(value === undefined ? [] : [value.length]), ...flags];
    const [part] = await this.#ask(words.join(' '), value, () => true);
    return part!;
  }

  async flush(): Promise<void> {
    await this.#line('flush_all');
  }

  async #line(command: string, value?: Buffer): Promise<string> {
    const [part] = await this.#ask(command, value, () => true);
    return part!.line;
  }

  #ask(
    command: string,
    value: Buffer | undefined,
    ends: Waiting['ends'],
  ): Promise<readonly Part[]> {
    const block = value === undefined ? [] : [value, Buffer.from('\r\n')];
    this.#socket.write(Buffer.concat([Buffer.from(`${command}\r\n`, 'latin1'), ...block]));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ends, parts: [], resolve, reject });
    });
  }

  /** Takes one part off what was received, if a whole one is there. */
  #takePart(): boolean {
    const feed = this.#received.indexOf('\r\n');
    if (feed === -1) return false;
    const line = this.#received.toString('latin1', 0, feed);
    const length = Number(/^(?:VALUE \S+ \d+|VA) (\d+)/.exec(line)?.[1] ?? -2);
    const start = feed + 2;
    const end = start + length + 2;
    if (this.#received.length < end) return false;
    const value = length < 0 ? undefined : Buffer.from(this.#received.subarray(start, end - 2));
    this.#received = this.#received.subarray(end);
    const waiting = this.#waiting[0]!;
    waiting.parts.push(value === undefined ? { line } : { line, value });
    if (ERROR_LINE.test(line)) waiting.reject(new ProtocolError('the node', 'refused', line));
    else if (waiting.ends(line)) waiting.resolve(waiting.parts);
    else return true;
    this.#waiting.shift();
    return true;
  }
}

function itemsOf(parts: readonly Part[]): Map<string, CachedItem> {
  const items = parts.filter(({ value }) => value !== undefined);
  return new Map(
    items.map(({ line, value }) => {
      const [, key = '', flags, , cas = ''] = line.split(' ');
      return [key, { value: value!, flags: Number(flags), cas: BigInt(cas) }];
    }),
  );
}
