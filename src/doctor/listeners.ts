import { hostAndPort } from '../config-values.ts';
import { type ListenerConfig, listenersOf } from '../gateway/listeners.ts';
import { bindSockets } from '../listener/bound-socket.ts';
import { ListenError } from '../listener/listen.ts';
import { type Check, examineEach, parted } from './check.ts';
import type { Observation } from './finding.ts';

/** What is known of who may have an address already. */
export interface Neighbours {
  /** A gateway answers on ADMIN_LISTEN. */
  readonly running: boolean;
  /** ADMIN_LISTEN is on: one that ran would have answered. */
  readonly asked: boolean;
}

/**
 * Whether each address can be listened on. It is bound for a moment, but not listened on, so that
 * nothing is accepted; what a running gateway has is in use, as it should be.
 */
export const listenersCheck: Check = {
  name: 'listeners',
  async run({ config, gateway, resolves }, report) {
    const neighbours = {
      running: (await gateway) !== undefined,
      asked: config.ADMIN_LISTEN !== undefined,
    };
    await examineEach(
      listenersOf(config, 1).filter(({ address }) => resolves(address.host)),
      async (listener, tell) => {
        tell({ subject: listener.setting, ...(await examineListener(listener, neighbours)) });
      },
      report,
    );
  },
};

type Found = Omit<Observation, 'subject'>;

async function examineListener(
  { setting, address: { host, port } }: ListenerConfig,
  neighbours: Neighbours,
): Promise<Found> {
  try {
    const [socket] = await bindSockets(setting, { host, port }, 1);
    socket!.close();
  } catch (error) {
    if (error instanceof ListenError) return refusalOf(error, neighbours);
    throw error;
  }
  const where = hostAndPort({ host, port });
  if (!neighbours.running || port === 0) {
    return { severity: 'ok', detail: `${where} can be listened on` };
  }
  return {
    severity: 'warning',
    detail: `a Dashgate runs, but nothing listens on ${where}`,
    remedy: 'have it read the configuration anew (kill -HUP)',
  };
}

/** What it means that an address could not be bound. */
export function refusalOf(error: ListenError, { running, asked }: Neighbours): Found {
  // It begins with the setting, which is the subject.
  const { detail, remedy } = parted(error.message.replace(/^\w+=/, ''));
  switch ((error.cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      if (running) {
        const inUse = detail.replace('by another program', 'while a Dashgate runs');
        return { severity: 'ok', detail: `${inUse}, which answers on ADMIN_LISTEN` };
      }
      if (asked) return { severity: 'error', detail, remedy };
      return {
        severity: 'warning',
        detail: `${detail}, or by a Dashgate, which is not to be seen while ADMIN_LISTEN is off`,
        remedy,
      };
    case 'EACCES':
      return {
        // The gateway that runs may have the privilege.
        severity: running ? 'note' : 'error',
        detail: `${detail}, which the user who examines has not`,
        remedy: `${remedy}; or examine as the user that runs Dashgate`,
      };
    case 'EADDRNOTAVAIL':
      return {
        // One that moves between hosts is elsewhere most of the time, and one that is mistyped never comes.
        severity: 'warning',
        detail: `${detail} now: the listener waits for it`,
        remedy: `where it moves between hosts, nothing (or, to bind it before it comes, sysctl -w net.ipv4.ip_nonlocal_bind=1); else ${remedy}`,
      };
    default:
      return { severity: 'error', detail, remedy };
  }
}
