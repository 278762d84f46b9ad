/** What every command takes and does, for `--help` and for who wrote something else. */

/** Options of commands, as `parseArgs` of `node:util` wants them; `import-haproxy` reads its own. */
export const OPTIONS = {
  config: { type: 'string', short: 'c' },
  json: { type: 'boolean' },
  open: { type: 'boolean' },
  admin: { type: 'string' },
  ca: { type: 'string' },
  'this-gateway': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export type OptionName = keyof typeof OPTIONS;

/** How each of them is written, and what it is for. */
export const OPTION_HELP: Readonly<Record<OptionName, readonly [string, string]>> = {
  config: ['-c, --config FILE', 'read settings from FILE, in place of .env'],
  json: ['--json', 'print JSON, for programs'],
  open: ['--open', 'open the portal in the browser of this desktop'],
  admin: ['--admin URL', "ask the gateway at http(s)://host:port, in place of ADMIN_LISTEN's"],
  ca: ['--ca FILE', 'trust the authorities in FILE, in place of the certificate of ADMIN_TLS'],
  'this-gateway': ['--this-gateway', 'for the gateway that is asked alone, in place of all'],
  help: ['-h, --help', 'print this'],
};

/** What a command takes and does. */
export interface CommandUsage {
  /** Names of its arguments, all of them needed. */
  readonly args: readonly string[];
  readonly options: readonly OptionName[];
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Paragraphs. */
  readonly text: string;
  readonly exits: string;
}

const SETTINGS_TEXT = 'Settings come from the environment, then from .env.';
const TOKEN_TEXT = `It asks the gateway that runs, at its ADMIN_LISTEN, and shows it ADMIN_TOKEN where that is set;
both come from the environment, then from .env. Where that is HTTPS (ADMIN_TLS), the certificate of these
settings is trusted as it is, and others where an authority of this host has issued them.`;
const CHANGE_EXITS = `0 done; 1 the gateway refused it, and says why; 2 the gateway cannot be reached or does
not let this command in; 64 wrong usage; 78 wrong configuration.`;
const CHANGE_OPTIONS = ['this-gateway', 'admin', 'ca', 'config'] as const;

/** The commands, in the order in which they are told. */
export const COMMANDS = {
  start: {
    args: [],
    options: ['config'],
    summary: 'run the gateway',
    text: `Runs the gateway until SIGTERM or SIGINT. SIGHUP has the configuration read anew; SIGUSR2 has
another process, of the code that is there then, take over.
${SETTINGS_TEXT}`,
    exits: `0 stopped; 1 failed; 64 wrong usage; 69 an address cannot be listened on; 78 wrong
configuration.`,
  },
  demo: {
    args: [],
    options: ['config', 'open'],
    summary: 'run a whole cluster on this host: gateway, dashboards, consoles, memcached',
    text: `Runs a gateway, mock dashboards and consoles, and memcached nodes until SIGTERM or SIGINT, and
tells where they are.
${SETTINGS_TEXT}`,
    exits: `0 stopped; 1 failed; 64 wrong usage; 69 an address cannot be listened on; 78 wrong
configuration.`,
  },
  check: {
    args: [],
    options: ['config'],
    summary: 'read the configuration and report what is wrong with it',
    text: `Reads the configuration as start does, with all files that it names, and reports all problems at
once, each with its remedy. Whether addresses are free and backends there is what doctor looks at.
${SETTINGS_TEXT}`,
    exits: '0 it is sound; 64 wrong usage; 78 wrong configuration.',
  },
  doctor: {
    args: [],
    options: ['json', 'config'],
    summary: 'examine the deployment, each finding with its remedy; it changes nothing',
    text: `Examines names, backends, certificates, memcached, sessions, clocks and limits, before the gateway
is started or while it runs, within 15 seconds. Nothing is changed.
${SETTINGS_TEXT}`,
    exits: '0 no errors; 1 an error was found; 64 wrong usage; 78 wrong configuration.',
  },
  status: {
    args: [],
    options: ['json', 'admin', 'ca', 'config'],
    summary: 'tell how the gateway that runs and its backends, nodes and consoles are',
    text: `Tells how services and their backends, consoles, memcached nodes and the other gateways are, and
what is wrong.
${TOKEN_TEXT}`,
    exits: `0 everything is usable; 1 something is not, if only because it is drained; 2 the gateway
cannot be reached or does not let this command in; 64 wrong usage; 78 wrong configuration.`,
  },
  drain: {
    args: ['SERVICE/BACKEND'],
    options: CHANGE_OPTIONS,
    summary: 'have a backend take no new work, at all gateways',
    text: `Has a backend, such as portal/10.0.0.11:80, take no new work. Requests that it has are finished;
open websockets are closed after DRAIN_TIMEOUT.
${TOKEN_TEXT}`,
    exits: CHANGE_EXITS,
  },
  maint: {
    args: ['SERVICE/BACKEND'],
    options: CHANGE_OPTIONS,
    summary: 'have a backend be left alone, for its maintenance',
    text: `Has a backend, such as portal/10.0.0.11:80, be left alone until it is ready again.
${TOKEN_TEXT}`,
    exits: CHANGE_EXITS,
  },
  ready: {
    args: ['SERVICE/BACKEND'],
    options: CHANGE_OPTIONS,
    summary: 'have a backend take work again',
    text: `Has a backend, such as portal/10.0.0.11:80, take work again after drain or maint.
${TOKEN_TEXT}`,
    exits: CHANGE_EXITS,
  },
  weight: {
    args: ['SERVICE/BACKEND', 'N'],
    options: CHANGE_OPTIONS,
    summary: 'give a backend another share of the work',
    text: `Gives a backend, such as portal/10.0.0.11:80, the weight N, from 0 to 256, or the one that is
configured where N is the word configured.
${TOKEN_TEXT}`,
    exits: CHANGE_EXITS,
  },
  reload: {
    args: [],
    options: ['admin', 'ca', 'config'],
    summary: 'have the gateway that runs read its configuration anew',
    text: `Has the gateway read its own configuration anew, as SIGHUP does, and tells what is wrong with it:
one that will not do changes nothing.
${TOKEN_TEXT}`,
    exits: CHANGE_EXITS,
  },
  settings: {
    args: [],
    options: [],
    summary: 'print every setting with its meaning and default',
    text: 'Prints every setting with its meaning and default, in the form of .env.',
    exits: '0 printed; 64 wrong usage.',
  },
  'import-haproxy': {
    args: ['FILE'],
    options: [],
    summary: "print the .env that does what HAProxy's configuration does, and what it leaves out",
    text: 'Its own --help tells the rest.',
    exits: '0 printed; 64 wrong usage; 65 and 66 FILE is of no use.',
  },
  dashboard: {
    args: [],
    options: [],
    summary: 'run one mock dashboard of the demo',
    text: 'Runs one mock dashboard until SIGTERM or SIGINT. Its settings are in the environment.',
    exits: '0 stopped; 1 failed; 64 wrong usage; 69 an address cannot be listened on.',
  },
  console: {
    args: [],
    options: [],
    summary: 'run one mock console of the demo',
    text: 'Runs one mock console until SIGTERM or SIGINT. Its settings are in the environment.',
    exits: '0 stopped; 1 failed; 64 wrong usage; 69 an address cannot be listened on.',
  },
  certificate: {
    args: ['FOLDER'],
    options: [],
    summary: "make the demo's self-signed certificate in a folder, if it is not there",
    text: `Makes the demo's self-signed certificate and key in FOLDER, if they are not there, and prints
where they are.`,
    exits: '0 they are there; 1 failed; 64 wrong usage.',
  },
} as const satisfies Readonly<Record<string, CommandUsage>>;

export type CommandName = keyof typeof COMMANDS;

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** How Dashgate is used, or one command of it. */
export function usage(name?: CommandName): string {
  return name === undefined ? usageOfAll() : usageOf(name);
}

function usageOfAll(): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, { args, summary }]) => [[name, ...args].join(' '), summary] as const,
  );
  return `Usage: dashgate COMMAND [OPTION…]

${table([...rows, ['help [COMMAND]', 'print this, or more about a command']])}

Every command has --help, which tells its options and exit codes.
${SETTINGS_TEXT}
Colours are used on a terminal only, and not where NO_COLOR is set.
Exit codes: 0 done, 1 failed (doctor: has found an error; status: something is not usable; drain,
maint, ready, weight, reload: refused), 2 the gateway that runs cannot be asked, 64 wrong usage,
65 and 66 a file is of no use, 69 an address cannot be listened on, 78 wrong configuration.
`;
}

function usageOf(name: CommandName): string {
  const { args, options, text, exits }: CommandUsage = COMMANDS[name];
  const own = [...options, 'help' as const];
  return `Usage: ${['dashgate', name, '[OPTION…]', ...args].join(' ')}

${text}

${table(own.map((option) => OPTION_HELP[option]))}

Exit codes: ${exits}
`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
