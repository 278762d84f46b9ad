import { createPrivateKey, hkdfSync } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../config.ts';
import { Pins } from '../memcached/pins.ts';
import { sealedNode } from '../memcached/sealed-node.ts';
import type { StateNode } from '../memcached/state-node.ts';
import { consoleToken } from '../policy/console-token.ts';
import type { TunnelPins } from '../relay/downstream-context.ts';

/** The name of this gateway: as configured, or its host and the port of its portal. */
export function gatewayName({ GATEWAY_NAME }: Config, portalPort: number): string {
  if (GATEWAY_NAME) return GATEWAY_NAME;
  const host =
    hostname()
      .replace(/[^A-Za-z0-9._-]/g, '-')
      .slice(0, 100) || 'gateway';
  return `${host}:${portalPort}`;
}

/**
 * What all gateways share and nobody else knows: a setting, or else something that only who has the
 * first private key can make of it, for gateways behind one address have the same.
 */
export function sharedSecret({ SHARED_SECRET, keyPairs }: Config): Buffer {
  const key =
    SHARED_SECRET ?? createPrivateKey(keyPairs[0]!.key).export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', key, '', 'dashgate shared state', 32));
}

/**
 * The nodes as gateways that share a secret read and write them. Only one that was set is good for
 * that: one made of a private key would change with it, at one gateway after the other, and have
 * them take each other for strangers meanwhile.
 * @param onBroken is told of each item without the right seal.
 */
export function sealedNodes(
  config: Config,
  nodes: readonly StateNode[],
  onBroken?: (address: string, key: string) => void,
): readonly StateNode[] {
  if (config.SHARED_SECRET === undefined) return nodes;
  const secret = Buffer.from(hkdfSync('sha256', sharedSecret(config), '', 'sealed items', 32));
  return nodes.map((node) => sealedNode(node, secret, onBroken));
}

/** What the cookies of the admin pages are signed with. */
export function adminSecret(config: Config): string {
  return Buffer.from(hkdfSync('sha256', sharedSecret(config), '', 'admin pages', 32)).toString(
    'base64url',
  );
}

/** Where consoles that reconnect go back to, as it is configured; undefined: anywhere. */
export function consolePins(config: Config, nodes: readonly StateNode[]): TunnelPins | undefined {
  const { CONSOLE_PIN_TTL } = config;
  if (CONSOLE_PIN_TTL === undefined) return undefined;
  const secret = sharedSecret(config);
  const ttl = Math.ceil(CONSOLE_PIN_TTL / 1000);
  const pins = new Pins({ nodes: sealedNodes(config, nodes), secret, ttl });
  pins.connect();
  return {
    keyOf: (target, cookie) => {
      const token = consoleToken(target, cookie);
      return token && pins.keyOf(token);
    },
    recall: (key) => pins.recall(key),
    keep: (key, backend) => pins.keep(key, backend),
  };
}
