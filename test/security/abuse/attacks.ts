import type { Attack, Target } from './attack.ts';
import type { Order } from './attackers/order.ts';
import { BOMB, LARGE } from './pages.ts';

const ATTACKER = new URL('attackers/attacker.ts', import.meta.url).pathname;

const HEADER = { seconds: 10, setting: 'HEADER_TIMEOUT' } as const;
const CLIENT = { seconds: 60, setting: 'CLIENT_TIMEOUT' } as const;

/** Every attack, in the order of the table. */
export const ATTACKS: readonly Attack[] = [
  {
    name: 'slow-headers',
    title: 'slow headers (slowloris), `slowhttptest -H`',
    addresses: 1,
    deadline: HEADER,
    mostKiB: 192,
    command: slowHttp('portal', '/1k', ['-H', '-i', '2', '-x', '24']),
  },
  {
    name: 'slow-body',
    title: 'slow body (R-U-Dead-Yet), `slowhttptest -B`',
    addresses: 1,
    deadline: CLIENT,
    mostKiB: 192,
    command: slowHttp('console', '/', ['-B', '-i', '5', '-x', '10', '-s', '8192']),
  },
  {
    name: 'silent-tcp',
    title: 'connections that say nothing',
    addresses: 250,
    deadline: { seconds: 10, setting: 'HANDSHAKE_TIMEOUT' },
    mostKiB: 192,
  },
  {
    name: 'silent-tls',
    title: 'connections that shake hands and say nothing',
    addresses: 250,
    deadline: HEADER,
    mostKiB: 192,
  },
  {
    name: 'half-hello',
    title: 'handshakes that stop in the middle',
    addresses: 250,
    deadline: { seconds: 10, setting: 'HANDSHAKE_TIMEOUT' },
    mostKiB: 192,
  },
  {
    name: 'handshakes',
    title: 'full handshakes, each closed at once',
    addresses: 250,
    mostKiB: 192,
  },
  {
    name: 'aborted-handshakes',
    title: 'handshakes reset after the first message',
    addresses: 250,
    mostKiB: 192,
  },
  {
    name: 'renegotiation',
    title: 'renegotiations of TLS 1.2, to be refused',
    addresses: 1,
    mostKiB: 192,
  },
  {
    name: 'idle-keep-alive',
    title: 'connections idle after one request',
    addresses: 250,
    deadline: { seconds: 10, setting: 'KEEPALIVE_TIMEOUT' },
    mostKiB: 192,
  },
  {
    name: 'idle-websockets',
    title: 'websockets with nothing on them',
    addresses: 250,
    mostKiB: 192,
  },
  {
    name: 'header-bombs',
    title: 'heads of 31 KiB, of 99 lines, and beyond the bounds',
    addresses: 1,
    mostKiB: 256,
  },
  {
    name: 'limited-address',
    title: 'the same, with `CONNECTIONS_PER_ADDRESS=50`',
    addresses: 1,
    mostKiB: 256,
    settings: { CONNECTIONS_PER_ADDRESS: '50' },
    generator: 'header-bombs',
  },
  {
    name: 'pipelining',
    title: 'bursts of 32 pipelined requests',
    addresses: 1,
    mostKiB: 384,
  },
  {
    name: 'compressed-nothing',
    title: `bodies and answers of ${BOMB.content.length} bytes that are 16 MiB unpacked`,
    addresses: 1,
    mostKiB: 384,
  },
  {
    name: 'tiny-chunks',
    title: 'uploads in chunks of 1 byte',
    addresses: 1,
    mostKiB: 384,
  },
  {
    name: 'tiny-frames',
    title: 'websockets with frames of 1 byte',
    addresses: 1,
    mostKiB: 384,
  },
  // The last, as it leaves the kernel little memory for sockets.
  {
    name: 'slow-read',
    title: 'slow read of a large answer, `slowhttptest -X`',
    addresses: 1,
    deadline: CLIENT,
    // Until then gigabytes go into the buffers of the kernel.
    watchedAfter: 12,
    mostKiB: 384,
    command: slowHttp('portal', LARGE.path, '-X -w 512 -y 1024 -n 5 -z 32'.split(' ')),
  },
];

/** slowhttptest against one of the services; over TLS. */
function slowHttp(
  service: 'portal' | 'console',
  path: string,
  mode: readonly string[],
): Required<Attack>['command'] {
  return (target) => [
    'slowhttptest',
    ...mode,
    '-c',
    String(target.connections),
    '-r',
    String(target.connections),
    '-l',
    String(target.seconds),
    '-u',
    `https://127.0.0.1:${target[service]}${path}`,
  ];
}

/** The command that makes an attack. */
export function commandOf(attack: Attack, target: Target): readonly string[] {
  if (attack.command) return attack.command(target);
  const name = attack.generator ?? attack.name;
  const order: Order = { name, addresses: attack.addresses, ...target };
  return [process.execPath, ATTACKER, JSON.stringify(order)];
}
