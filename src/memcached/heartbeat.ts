/** What one gateway tells the others of itself. */
export interface Heartbeat {
  /** Differs from start to start of a gateway. */
  readonly instance: string;
  /** Grows with each heartbeat of an instance. */
  readonly beat: number;
  /** It is about to end: what it held is gone. */
  readonly stopping: boolean;
  /** Tells secrets apart without telling them. */
  readonly secret: string;
  readonly services: readonly ServiceBeat[];
}

export interface ServiceBeat {
  readonly name: string;
  readonly backends: readonly BackendBeat[];
}

export interface BackendBeat {
  readonly name: string;
  /** Tunnels that the gateway holds there. */
  readonly tunnels: number;
  /** What its health checks have seen. */
  readonly health: 'unknown' | 'up' | 'down';
}

const FORMAT = 1;
const HEALTH = ['unknown', 'up', 'down'];
/** Bound what a foreign item can make a gateway keep, and read each second of each gateway there is. */
const MAX_BYTES = 65_536;
const MAX_ROWS = 4_096;
const MAX_SERVICES = 16;

export function encodeHeartbeat({ instance, beat, stopping, secret, services }: Heartbeat): Buffer {
  const rows = services.map(({ name, backends }) => [
    name,
    backends.map((backend) => [backend.name, backend.tunnels, backend.health]),
  ]);
  return Buffer.from(
    JSON.stringify({ dashgate: FORMAT, instance, beat, stopping, secret, services: rows }),
  );
}

/** The heartbeat of an item; undefined for what is none. */
export function decodeHeartbeat(item: Buffer): Heartbeat | undefined {
  if (item.length > MAX_BYTES) return undefined;
  try {
    const { dashgate, instance, beat, stopping, secret, services } = JSON.parse(item.toString());
    if (dashgate !== FORMAT || !Number.isSafeInteger(beat) || typeof stopping !== 'boolean') {
      return undefined;
    }
    if (!isShort(instance) || !isShort(secret)) return undefined;
    const rows = rowsOf(services, MAX_SERVICES);
    return { instance, beat, stopping, secret, services: rows.map(serviceOf) };
  } catch {
    return undefined;
  }
}

function serviceOf([name, backends]: readonly unknown[]): ServiceBeat {
  if (!isShort(name)) throw new TypeError('no name of a service');
  return { name, backends: rowsOf(backends).map(backendOf) };
}

function backendOf([name, tunnels, health]: readonly unknown[]): BackendBeat {
  const isCount = Number.isSafeInteger(tunnels) && (tunnels as number) >= 0;
  if (!isShort(name) || !isCount || !HEALTH.includes(health as string)) {
    throw new TypeError('no backend');
  }
  return { name, tunnels: tunnels as number, health: health as BackendBeat['health'] };
}

function rowsOf(rows: unknown, most = MAX_ROWS): readonly (readonly unknown[])[] {
  if (!Array.isArray(rows) || rows.length > most || !rows.every(Array.isArray)) {
    throw new TypeError('no rows');
  }
  return rows;
}

function isShort(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 256;
}
