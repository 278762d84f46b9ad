import { type ListenerConfig, listenersOf } from '../gateway/listeners.ts';
import { bindSockets } from '../listener/bound-socket.ts';
import { type Check, examineEach, parted } from './check.ts';
import type { Observation } from './finding.ts';

/**
 * Whether each address can be listened on. It is bound for a moment, but not listened on, so that
 * nothing is accepted; what a running gateway has is in use, as it should be.
 */
export const listenersCheck: Check = {
  name: 'listeners',
  async run({ config, gateway, resolves }, report) {
    const running = (await gateway) !== undefined;
    await examineEach(
      listenersOf(config, 1).filter(({ address }) => resolves(address.host)),
      async (listener, tell) => tell(await examineListener(listener, running, config)),
      report,
    );
  },
};

async function examineListener(
  { setting, address }: ListenerConfig,
  running: boolean,
  { ADMIN_LISTEN: admin }: { readonly ADMIN_LISTEN?: unknown },
): Promise<Observation> {
  const { host, port } = address;
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  try {
    const [socket] = await bindSockets(setting, address, 1);
    socket!.close();
  } catch (error) {
    const { code } = (error as Error).cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && running) {
      const detail = `${where} is in use while a Dashgate runs, which answers on ADMIN_LISTEN`;
      return { severity: 'ok', subject: setting, detail };
    }
    const { detail, remedy } = parted((error as Error).message.replace(/^\w+=/, ''));
    if (code === 'EADDRINUSE' && !admin) {
      const unsure = `${where} is in use; whether by Dashgate is not to be seen while ADMIN_LISTEN is off`;
      return { severity: 'warning', subject: setting, detail: unsure, remedy };
    }
    if (code === 'EADDRNOTAVAIL') {
      const virtual = `${remedy}; for an address that moves between hosts, sysctl -w net.ipv4.ip_nonlocal_bind=1`;
      return { severity: 'error', subject: setting, detail, remedy: virtual };
    }
    return { severity: 'error', subject: setting, detail, remedy };
  }
  if (!running) return { severity: 'ok', subject: setting, detail: `${where} can be listened on` };
  return {
    severity: port === 0 ? 'ok' : 'warning',
    subject: setting,
    detail: `a Dashgate runs, but nothing listens on ${where}`,
    remedy: port === 0 ? undefined : 'have it read the configuration anew (kill -HUP)',
  };
}
