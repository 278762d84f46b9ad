#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { readArguments } from './command-arguments.ts';
import { type Config, ConfigError, type Environment, parseConfig } from './config.ts';
import { messageOf, UsageError } from './errors.ts';
import { CodeCache } from './gateway/code-cache.ts';
import type { Gateway } from './gateway/gateway.ts';
import { Predecessor } from './gateway/predecessor.ts';
import { workersOf } from './gateway/worker-count.ts';
import { ListenError } from './listener/listen.ts';
import { createLogger, type Logger } from './log.ts';
import { keepMemoryPrivate } from './process-privacy.ts';
import { envExample } from './settings.ts';
import { readSettingsFile, type SettingsFile } from './settings-file.ts';
import { ServiceManager } from './systemd/service-manager.ts';
import { hasColours, jsonText } from './terminal.ts';
import {
  COMMANDS,
  type CommandName,
  type CommandUsage,
  isCommand,
  OPTIONS,
  type OptionName,
  usage,
} from './usage.ts';

/** Exit codes, of sysexits(3) where it has one. */
const EXIT = { ok: 0, failure: 1, usage: 64, unavailable: 69, config: 78 } as const;

/** Set in the environment of a process that takes the place of another one. */
const SUCCESSOR = 'DASHGATE_SUCCESSOR';

/** The command that is asked for, once it is known. */
let asked: CommandName | undefined;

async function main(): Promise<number> {
  keepMemoryPrivate();
  const [first, ...args] = process.argv.slice(2);
  if (first === 'import-haproxy') return importHaproxy(args);
  if (first !== undefined && isCommand(first)) asked = first;
  const { values, positionals } = readArguments({ allowPositionals: true, options: OPTIONS });
  const [command = 'help', ...rest] = positionals;
  if (command === 'help') return help(rest[0]);
  if (!isCommand(command)) throw new UsageError(`there is no command "${command}"`);
  asked = command;
  if (values.help) return help(command);
  assertArguments(command, values, rest);
  const file = () => settingsFile(values.config);
  const env = () => knownEnvironment(file());
  switch (command) {
    case 'start':
      return start(file);
    case 'check': {
      const names = configIn(file()).keyPairs.map((pair) => pair.names);
      process.stdout.write(`The configuration is sound; certificates for ${names.join('; ')}.\n`);
      return EXIT.ok;
    }
    case 'doctor':
      return doctor(file, values.json ?? false);
    case 'settings':
      process.stdout.write(envExample());
      return EXIT.ok;
    case 'demo': {
      const { runDemo } = await import('./demo/demo.ts');
      await runDemo({ env: env(), open: values.open ?? false, stopped: stopSignal() });
      return EXIT.ok;
    }
    case 'dashboard':
    case 'console': {
      const { runPart } = await import('./demo/part.ts');
      await runPart(command, process.env, stopSignal());
      return EXIT.ok;
    }
    case 'certificate':
      return certificate(rest[0]!);
    case 'import-haproxy':
      throw new UsageError('import-haproxy comes first, and its options after it');
    default: {
      const { askGateway } = await import('./admin-client/commands.ts');
      const colours = hasColours(process.stdout, process.env);
      return print(await askGateway({ command, args: rest, ...values, colours }, env));
    }
  }
}

function help(command: string | undefined): Promise<number> | number {
  if (command === 'import-haproxy') return importHaproxy(['--help']);
  if (command !== undefined && !isCommand(command)) {
    throw new UsageError(`there is no command "${command}"`);
  }
  process.stdout.write(usage(command));
  return EXIT.ok;
}

/** Every command takes what its usage names, and no more. */
function assertArguments(
  command: CommandName,
  given: Readonly<Partial<Record<OptionName, unknown>>>,
  rest: readonly string[],
): void {
  const { args, options }: CommandUsage = COMMANDS[command];
  for (const option of Object.keys(given) as OptionName[]) {
    if (!options.includes(option)) throw new UsageError(`${command} takes no --${option}`);
  }
  const missing = args[rest.length];
  if (missing !== undefined) throw new UsageError(`${command} takes ${args.join(' ')}`);
  if (rest.length > args.length) {
    throw new UsageError(`${command} takes no argument "${rest[args.length]}"`);
  }
}

async function start(file: ReadFile): Promise<number> {
  const predecessor = process.env[SUCCESSOR] ? await Predecessor.meet() : undefined;
  try {
    return await serve(file, predecessor);
  } catch (error) {
    await predecessor?.failed(messageOf(error));
    throw error;
  }
}

async function serve(file: ReadFile, predecessor?: Predecessor): Promise<number> {
  const given = file();
  const config = configIn(given);
  const logger = createLogger(config.LOG_LEVEL, { shared: true });
  warnOfExposure(given, logger);
  const manager = new ServiceManager(process.env, logger);
  const codeCache = workersOf(config) > 0 ? await CodeCache.create(process.env, logger) : undefined;
  process.once('exit', () => codeCache?.remove());
  const workerEnv = codeCache?.env ?? process.env;
  const reread = () => configIn(file());
  // Most of the code: no other command waits for it.
  const { startGateway } = await import('./gateway/gateway.ts');
  const gateway = await startGateway(config, { logger, workerEnv, predecessor, reread });
  if (predecessor) {
    await manager.takesOver();
    // The watchdog of the one before goes on, however long the checks take.
    manager.attend(gateway);
    predecessor.serving();
  }
  void gateway.checked.then(async () => {
    await manager.ready();
    if (!predecessor) manager.attend(gateway);
  });
  process.on('SIGHUP', async () => {
    void manager.reloading();
    await reload(gateway, file, logger);
    void manager.ready();
  });
  const replaced = new Promise<void>((resolve) => {
    process.on('SIGUSR2', async () => {
      if (!(await upgrade(gateway, logger))) return;
      manager.leave();
      resolve(gateway.drained);
    });
  });
  const stopped = stopSignal().then(() => void manager.stopping());
  await Promise.race([stopped, replaced]);
  await gateway.close();
  return EXIT.ok;
}

/**
 * Has the gateway go on in another process, which runs what is on the disk now; whether it does. One that
 * cannot serve changes nothing.
 */
async function upgrade(gateway: Gateway, logger: Logger): Promise<boolean> {
  try {
    await gateway.handOver({
      program: process.execPath,
      args: [...process.execArgv, ...process.argv.slice(1)],
      // The watchdog is the successor's, too.
      env: { ...process.env, [SUCCESSOR]: '1', WATCHDOG_PID: undefined },
    });
    return true;
  } catch (error) {
    logger.error({ detail: messageOf(error) }, 'no other process could take the place of this one');
    return false;
  }
}

/** Reads the configuration anew and has the gateway go by it; one that will not do changes nothing. */
async function reload(gateway: Gateway, file: ReadFile, logger: Logger): Promise<void> {
  try {
    const given = file();
    await gateway.reload(configIn(given));
    logger.info('the configuration was read anew');
    warnOfExposure(given, logger);
  } catch (error) {
    logger.error({ detail: messageOf(error) }, 'the configuration stays as it was');
  }
}

/** It can be used as it is, and has to be where it was mounted so; but whose secrets it holds should know. */
function warnOfExposure(file: SettingsFile | undefined, logger: Logger): void {
  if (!file?.exposure) return;
  logger.warn({ file: file.path }, `the file of settings holds secrets and ${file.exposure}`);
}

async function doctor(file: ReadFile, json: boolean): Promise<number> {
  const { examine } = await import('./doctor/doctor.ts');
  let given: SettingsFile | undefined;
  const readConfig = () => {
    given = file();
    return configIn(given);
  };
  const { findings, configured } = await examine(readConfig, {
    env: process.env,
    settingsFile: () => given,
  });
  if (json) {
    const { jsonReport } = await import('./doctor/json-report.ts');
    process.stdout.write(`${jsonText(jsonReport(findings, new Date()))}\n`);
  } else {
    const { textReport } = await import('./doctor/text-report.ts');
    const colour = hasColours(process.stdout, process.env);
    process.stdout.write(textReport(findings, { colour }));
  }
  if (!configured) return EXIT.config;
  return findings.some(({ severity }) => severity === 'error') ? EXIT.failure : EXIT.ok;
}

async function certificate(folder: string): Promise<number> {
  const { demoCertificate } = await import('./demo/certificate.ts');
  const { cert, key } = await demoCertificate(folder);
  process.stdout.write(`${cert}\n${key}\n`);
  return EXIT.ok;
}

/** It has options of its own. */
async function importHaproxy(args: readonly string[]): Promise<number> {
  const { runImport } = await import('./import-haproxy/command.ts');
  return print(runImport(args, (name) => process.env[name]));
}

/** Prints what a command has to tell; its exit code. */
function print({ code, out, err }: { code: number; out: string; err: string }): number {
  process.stdout.write(out);
  process.stderr.write(err);
  return code;
}

type ReadFile = () => SettingsFile | undefined;

/** The file of settings: that of `--config`, or `.env` where there is one. */
function settingsFile(given: string | undefined): SettingsFile | undefined {
  return given !== undefined || existsSync('.env') ? readSettingsFile(given ?? '.env') : undefined;
}

/** @throws ConfigError with all that is wrong, names that are no setting among it. */
function configIn(file: SettingsFile | undefined): Config {
  return parseConfig(environmentOf(file), file?.unknown);
}

/** @throws ConfigError with the names that are no setting. */
function knownEnvironment(file: SettingsFile | undefined): Environment {
  if (file && file.unknown.length > 0) throw new ConfigError(file.unknown);
  return environmentOf(file);
}

/** Settings of the process, over those of the file. */
function environmentOf(file: SettingsFile | undefined): Environment {
  return file ? { ...file.settings, ...process.env } : process.env;
}

/** Resolves when the process is asked to stop. A second signal ends it at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(EXIT.failure));
        resolve();
      });
    }
  });
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof ListenError) return EXIT.unavailable;
  if (error instanceof UsageError) return EXIT.usage;
  return EXIT.failure;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  const hint = process.exitCode === EXIT.usage ? `\n\n${usage(asked)}` : '\n';
  process.stderr.write(`dashgate: ${messageOf(error)}${hint}`);
}
// What still holds the process open after that, such as a client that will not go, is let go.
process.exit();
