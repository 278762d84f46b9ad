import type { CertificateFiles } from '../../../../src/demo/certificate.ts';
import type { Child } from '../../../support/children.ts';
import type { Scene } from '../cluster/part.ts';
import type { Site } from '../cluster/site.ts';

/** Where a gateway listens, on loopback. */
export interface GatewayPorts {
  readonly portal: number;
  readonly console: number;
  /** Its own pages. */
  readonly admin: number;
}

export interface PeerSetup {
  readonly scene: Scene;
  readonly site: Site;
  readonly certificate: CertificateFiles;
}

/** What the dashboards keep their sessions in. */
export interface Sessions {
  /** As Django's LOCATION has it. */
  readonly location: readonly string[];
  /** Whether it believes in every node. */
  well(): Promise<boolean>;
}

/** A front door, two of which are the gateways. */
export interface Peer {
  readonly name: string;
  /** As the table has it. */
  readonly title: string;
  /** Starts what goes with it for the sessions of the dashboards; resolves when it is well. */
  sessions(
    scene: Scene,
    nodes: readonly string[],
    certificate: CertificateFiles,
  ): Promise<Sessions>;
  /** Starts one; resolves when it listens. */
  start(setup: PeerSetup, ports: GatewayPorts): Promise<Child>;
  /** What has it read its configuration anew. */
  readonly reloadSignal: NodeJS.Signals;
  /** Whether it believes in all that is behind it, and nothing is left to be done. */
  well(ports: GatewayPorts): Promise<boolean>;
  /** The processes in which it serves clients, where one of them may fail alone. */
  workers?(ports: GatewayPorts): Promise<readonly number[]>;
}
