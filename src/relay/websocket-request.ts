import { GatewayError } from '../errors.ts';
import type { Admitted } from './admission.ts';
import type { DownstreamContext, DownstreamPeer } from './downstream-context.ts';
import type { RequestHead } from './head.ts';

type Deciders = Pick<DownstreamContext, 'admission' | 'pins'>;

/** A request for a websocket until it has become one: whether it may be, and on which backend. */
export class WebsocketRequest {
  /** The backend that its console was on, or what will tell, soon and surely. */
  readonly pinned: string | undefined | Promise<string | undefined>;
  readonly #pins: Deciders['pins'];
  /** What stands for the console. */
  readonly #pin: string | undefined;
  #admitted: Admitted | undefined;

  /**
   * @param host The host that it is for.
   * @param complete It has no body, or one that came with its head.
   * @throws GatewayError for what is not let in
   */
  constructor(
    { admission, pins }: Deciders,
    { target, lines }: RequestHead,
    host: string,
    peer: DownstreamPeer,
    complete: boolean,
  ) {
    if (admission && !complete) {
      throw new GatewayError('badRequest', 'a websocket handshake with a body');
    }
    this.#admitted = admission?.admit({ fields: lines, host, peer });
    this.#pins = pins;
    this.#pin = pins?.keyOf(target, lines.value('cookie'));
    this.pinned = this.#pin === undefined ? undefined : pins?.recall(this.#pin);
  }

  /** Has to settle before it goes on; rejects where it may not be. Undefined: it may. */
  get settled(): Promise<void> | undefined {
    return this.#admitted?.settled;
  }

  /** It is a tunnel to that backend now, which has what let it in. */
  becomeTunnel(backend: string): Admitted | undefined {
    if (this.#pin !== undefined) this.#pins?.keep(this.#pin, backend);
    const admitted = this.#admitted;
    this.#admitted = undefined;
    return admitted;
  }

  /** It has come to nothing. */
  leave(): void {
    this.#admitted?.leave();
    this.#admitted = undefined;
  }
}
