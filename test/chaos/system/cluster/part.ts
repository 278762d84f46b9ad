import type { Child, Children } from '../../../support/children.ts';
import { freePorts } from '../../../support/free-port.ts';
import { Way } from './way.ts';

export type PartKind = 'dashboard' | 'console' | 'node';

/** What a cluster is started with. */
export interface Scene {
  readonly children: Children;
  /** For files. */
  readonly folder: string;
  /** Undoes things at the end. */
  after(hook: () => unknown): void;
}

/** One server of the cluster, with a way to it that everybody takes. */
export class Part {
  readonly name: string;
  readonly kind: PartKind;
  readonly way: Way;
  readonly #start: () => Promise<Child>;
  #child: Child;

  /** Starts it: `command` gets the port to listen on. */
  static async start(
    scene: Scene,
    kind: PartKind,
    number: number,
    command: (port: number) => readonly string[],
  ): Promise<Part> {
    const [port] = (await freePorts(1)) as [number];
    const start = async () => {
      const child = scene.children.start(command(port), { core: undefined });
      await child.listening(port);
      return child;
    };
    return new Part(`${kind}-${number}`, kind, await Way.open(scene, port), start, await start());
  }

  private constructor(
    name: string,
    kind: PartKind,
    way: Way,
    start: () => Promise<Child>,
    child: Child,
  ) {
    this.name = name;
    this.kind = kind;
    this.way = way;
    this.#start = start;
    this.#child = child;
  }

  /** The way to it takes part, for one that takes connections to nobody would be another fault. */
  async kill(): Promise<void> {
    this.way.refuse();
    await this.#child.kill();
  }

  /** Starts it again, with nothing of what it knew. */
  async restart(): Promise<void> {
    this.#child = await this.#start();
    this.way.mend();
  }

  pause(): void {
    this.#child.signal('SIGSTOP');
  }

  resume(): void {
    this.#child.signal('SIGCONT');
  }
}
