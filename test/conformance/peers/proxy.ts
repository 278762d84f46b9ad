export const PEERS = ['dashgate', 'haproxy', 'nginx'] as const;
export type Peer = (typeof PEERS)[number];

/** Where a started proxy takes connections, on 127.0.0.1. */
export interface ListeningProxy {
  readonly port: number;
  readonly tls: boolean;
}

/** A proxy that can be started in front of one backend. */
export interface TestedProxy {
  readonly name: Peer;
  /** Where it does otherwise than expected: per reason the names of the cases. */
  readonly differences: Readonly<Record<string, readonly string[]>>;
  /** What the matrix says it is, version included. */
  describe(): string;
  /**
   * Starts it with the time limits below; resolves when it takes connections. What has to be done
   * to stop it is handed to `onStop`.
   */
  start(backendPort: number, onStop: (cleanup: () => unknown) => void): Promise<ListeningProxy>;
}

/** Every time limit that a proxy is configured with, in ms. */
export const TIME_LIMIT_MS = 1_000;

/** Bounds that every proxy is configured with as nearly as it can, in bytes. */
export const REQUEST_LINE_LIMIT = 8_192;
export const HEAD_LIMIT = 32_768;
