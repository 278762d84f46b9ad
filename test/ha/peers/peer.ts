import type { CertificateFiles } from '../../../src/demo/certificate.ts';
import type { Resources } from '../cluster.ts';
import type { Machine } from '../machine.ts';

export interface PeerSetup {
  /** For the files that it needs, the same for both machines. */
  readonly folder: string;
  readonly certificate: CertificateFiles;
  /** Pause between two looks of the cluster at the service, in ms. */
  readonly monitorMs: number;
}

/** A front door that the cluster can run. */
export interface Peer {
  readonly name: string;
  /** Has other ways to set it up looked at, on a machine. @throws where one of them will not do. */
  check?(machine: Machine, folder: string): void;
  /** Says what the cluster has to run, and writes what that needs. */
  resources(setup: PeerSetup): Resources;
  /** Names of its programs, as the kernel has them: what is killed is all of these. */
  readonly programs: readonly string[];
}
