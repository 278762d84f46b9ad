import type { Fields } from '../policy/fields.ts';
import type { Client } from '../policy/forwarded.ts';

/** A websocket handshake that asks to go on to a backend. */
export interface Handshake {
  /** Its header fields; to be read before anything is waited for. */
  readonly fields: Fields;
  /** The host that it is for, as the client, or a proxy that is believed, tells it. */
  readonly host: string;
  readonly peer: Client;
}

/** A handshake that was let in, perhaps for the time being. */
export interface Admitted {
  /** Where that is not certain yet: rejects with a GatewayError; undefined: it is. */
  readonly settled: Promise<void> | undefined;
  /** To be called when the handshake has come to nothing, or what became of it is over. */
  leave(): void;
}

/** Decides which websocket handshakes go on to a backend. */
export interface Admission {
  /** @throws GatewayError for what is not let in */
  admit(handshake: Handshake): Admitted;
}
