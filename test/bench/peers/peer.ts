import type { CertificateFiles } from '../../../src/demo/certificate.ts';
import type { Children } from '../../support/children.ts';
import type { Pinning } from '../cores.ts';
import type { Origins } from '../origin/origins.ts';

/** What a peer is started with. */
export interface PeerSetup {
  readonly children: Children;
  /** A folder of its own for what it reads. */
  readonly folder: string;
  readonly core: Pinning;
  /** Processes that serve clients, of a peer that can have several; 1 unless told. */
  readonly workers?: number | undefined;
  /** Further settings, of a peer that has such. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly origins: Origins;
  readonly certificate: CertificateFiles;
  /** Most open files that a process may have. */
  readonly openFiles: number;
}

/** A proxy that runs; ports of 127.0.0.1. */
export interface RunningPeer {
  readonly portal: number;
  readonly console: number;
  /** The portal without TLS, where the peer can do that. */
  readonly plain?: number;
  /** Its processes; those below them count as well. */
  readonly pids: readonly number[];
  /** Throws, with what it said, if a process of it has ended. */
  assertRunning(): void;
  stop(): Promise<void>;
}

/** A proxy that can be measured. */
export interface Peer {
  readonly name: string;
  /** Programs that it needs beside Node. */
  readonly programs: readonly string[];
  /** Whether it listens without TLS. */
  readonly plain: boolean;
  /** What it does of logging and checking, for the reader of the figures. */
  readonly note: string;
  start(setup: PeerSetup): Promise<RunningPeer>;
}
