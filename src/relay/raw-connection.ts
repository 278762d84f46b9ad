import type { Intake } from '../intake.ts';
import type { SendQueue } from './send-queue.ts';

/** A connection as who hands it over leaves it: where its bytes go, and what is sent to it. */
export interface RawConnection {
  readonly intake: Intake;
  readonly sendQueue: SendQueue;
}
