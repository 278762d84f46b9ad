import { SETTINGS } from '../../src/settings.ts';
import { COMMANDS, type CommandUsage, OPTION_HELP } from '../../src/usage.ts';
import type { Release } from './release.ts';

const FILES = [
  ['/etc/dashgate/dashgate.env', 'Settings of the service, one NAME=VALUE a line.'],
  [
    '/usr/lib/ocf/resource.d/dashgate/dashgate',
    'The resource agent for Pacemaker; its log is /var/log/dashgate.log, which logrotate keeps short.',
  ],
  ['/usr/lib/dashgate', 'The program, and the Node runtime that it runs on.'],
  [
    '/usr/share/dashgate',
    'Examples for Pacemaker, a dashboard for Grafana, and alert rules for Prometheus.',
  ],
  ['/usr/share/doc/dashgate', 'README, changes, licences, and a software bill of materials.'],
] as const;

const SIGNALS = [
  [
    'SIGTERM, SIGINT',
    'Stop: open requests are finished within SHUTDOWN_TIMEOUT. A second one ends it at once.',
  ],
  [
    'SIGHUP',
    'Read the configuration anew; one that will not do changes nothing, and the log lists what is wrong.',
  ],
  [
    'SIGUSR2',
    'Have another process tree, of the code that is installed then, take over; no connection is dropped.',
  ],
] as const;

const DESCRIPTION = [
  `Dashgate is the front door of an OpenStack Dashboard. It takes HTTPS and WSS from the public side and
balances two services of an installation: the portal (Horizon) and the console (the noVNC proxy). No
sticky cookies are needed: the dashboards share their sessions through a cluster of memcached, so that any
dashboard serves any request, and any gateway takes over from any other.`,
  `As a service it is run by systemd (dashgate.service) with the settings of /etc/dashgate/dashgate.env, as
user dashgate. Its log goes to the journal: journalctl \\-u dashgate.`,
];

/** dashgate(8), made of what the commands and settings say of themselves. */
export function manualPage({ version, epoch }: Release): string {
  const day = new Date(epoch * 1000).toISOString().slice(0, 10);
  return `${[
    `.TH DASHGATE 8 ${day} "Dashgate ${version}" "System Administration"`,
    '.SH NAME',
    'dashgate \\- front door of an OpenStack Dashboard',
    '.SH SYNOPSIS',
    '.B dashgate',
    '.I COMMAND',
    `[${escaped('OPTION…')}]`,
    '.SH DESCRIPTION',
    DESCRIPTION.join('\n.PP\n'),
    '.SH COMMANDS',
    ...Object.entries(COMMANDS).flatMap(command),
    '.SH OPTIONS',
    'Each command takes some of these; its own help tells which.',
    ...Object.values(OPTION_HELP).flatMap(([option, meaning]) => item(option, `${meaning}.`)),
    '.SH SETTINGS',
    'They come from the environment, then from the file of settings.',
    ...Object.entries(SETTINGS).flatMap(([name, { initial, meaning }]) =>
      item(initial === undefined ? name : `${name}=${initial}`, meaning),
    ),
    '.SH SIGNALS',
    ...SIGNALS.flatMap(([name, meaning]) => item(name, meaning)),
    '.SH FILES',
    ...FILES.flatMap(([name, meaning]) => item(name, meaning)),
    '.SH SEE ALSO',
    '.BR systemctl (1),',
    '.BR journalctl (1)',
  ].join('\n')}\n`;
}

function command([name, { args, text, exits }]: [string, CommandUsage]): string[] {
  const paragraph = `${text}\nExit codes: ${exits}`;
  return item([name, ...args].join(' '), paragraph);
}

function item(term: string, text: string): string[] {
  return ['.TP', `.B ${escaped(term)}`, lines(text)];
}

/** Lines of the page: none begins like a request of roff. */
function lines(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => escaped(line.trim()).replace(/^(?=[.'])/, '\\&'))
    .join('\n');
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/\P{ASCII}/gu, (char) => {
      const hex = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      return `\\[u${hex}]`;
    });
}
