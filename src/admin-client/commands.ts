import { type Environment, parseSettings } from '../config.ts';
import { UsageError } from '../errors.ts';
import { jsonText, plain } from '../terminal.ts';
import { AdminClient, AdminError, type Change } from './admin-client.ts';
import { readSubject, readWeight, type Subject } from './arguments.ts';
import { problemsOf } from './problems.ts';
import { statusText } from './status-report.ts';
import { adminTarget } from './target.ts';
import { configuredTrust, type Trust, trustInFile } from './trust.ts';

/** What a command prints, and its exit code. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const EXIT = { ok: 0, degraded: 1, rejected: 1, unanswered: 2 } as const;

/** A command and what came with it. */
export interface GatewayCommand {
  readonly command: 'status' | 'drain' | 'maint' | 'ready' | 'weight' | 'reload';
  readonly args: readonly string[];
  readonly json?: boolean | undefined;
  /** Address of the gateway, where it is not that of the settings. */
  readonly admin?: string | undefined;
  /** File with what is trusted, where that is not the certificate of the settings. */
  readonly ca?: string | undefined;
  readonly 'this-gateway'?: boolean | undefined;
  readonly colours: boolean;
}

/**
 * Carries out a command at the gateway of these settings, of which no more are read than needed.
 * @throws UsageError or ConfigError where it is not clear what to do.
 */
export async function askGateway(
  { command, args, json = false, admin, ca, colours, ...rest }: GatewayCommand,
  env: () => Environment,
): Promise<Outcome> {
  const subject = args[0] === undefined ? undefined : readSubject(args[0]);
  const change = changeOf(command, args[1]);
  const given = env();
  const settings = parseSettings(given, ['ADMIN_LISTEN', 'ADMIN_TOKEN', 'ADMIN_TLS']);
  const target = adminTarget(settings, admin);
  const client = new AdminClient({ ...target, trust: trustFor(target.url, ca, given) });
  if (subject && change) {
    const scope = rest['this-gateway'] ? 'gateway' : 'all';
    return runDecision(client, subject, { ...change, scope });
  }
  return command === 'reload' ? runReload(client) : runStatus(client, { json, colours });
}

function trustFor(url: URL, ca: string | undefined, env: Environment): Trust | undefined {
  if (url.protocol === 'https:') return ca === undefined ? configuredTrust(env) : trustInFile(ca);
  if (ca === undefined) return undefined;
  throw new UsageError(`--ca is for https://, and ${url.origin} is asked; leave it out`);
}

function changeOf(
  command: GatewayCommand['command'],
  weight: string | undefined,
): Pick<Change, 'admin' | 'weight'> | undefined {
  if (command === 'status' || command === 'reload') return undefined;
  return command === 'weight' ? { weight: readWeight(weight!) } : { admin: command };
}

export interface StatusOptions {
  readonly json: boolean;
  readonly colours: boolean;
}

/** Tells the state of a gateway; as JSON, also that it cannot be told. */
export async function runStatus(
  client: AdminClient,
  { json, colours }: StatusOptions,
): Promise<Outcome> {
  const { address } = client;
  try {
    const state = await client.state();
    const problems = problemsOf(state);
    const verdict = problems.length === 0 ? 'ok' : 'degraded';
    const out = json
      ? jsonReport({ verdict, gateway: address, problems: problems.map(withRemedy), state })
      : statusText(state, { address, colours });
    return { code: EXIT[verdict], out, err: '' };
  } catch (error) {
    if (!json || !(error instanceof AdminError)) return failure(error);
    const { message, remedy } = error;
    const problem = withRemedy({ subject: 'gateway', detail: message, remedy });
    const told = { verdict: 'unanswered', gateway: address, problems: [problem], state: null };
    return { code: EXIT.unanswered, out: jsonReport(told), err: '' };
  }
}

/** Has a backend take work or not, or gives it a weight, and tells what holds then. */
export async function runDecision(
  client: AdminClient,
  { service, backend }: Subject,
  change: Change,
): Promise<Outcome> {
  try {
    const { admin, weight, scope } = await client.decide(service, backend, change);
    const share = weight === null ? 'the weight that is configured' : `weight ${weight}`;
    const where = scope === 'gateway' ? 'at this gateway alone' : 'at all gateways';
    const out = `${service}/${backend}: ${plain(admin)}, with ${share}, ${where}\n`;
    return { code: EXIT.ok, out, err: '' };
  } catch (error) {
    return failure(error);
  }
}

/** Has the gateway read its configuration anew. */
export async function runReload(client: AdminClient): Promise<Outcome> {
  try {
    return { code: EXIT.ok, out: `${plain(await client.reload())}\n`, err: '' };
  } catch (error) {
    return failure(error);
  }
}

/** `format` grows when a program that reads it would stumble. */
function jsonReport(told: Readonly<Record<string, unknown>>): string {
  return `${jsonText({ format: 1, ...told })}\n`;
}

function withRemedy<T extends { readonly remedy?: string | undefined }>(problem: T) {
  return { ...problem, remedy: problem.remedy ?? null };
}

function failure(error: unknown): Outcome {
  if (!(error instanceof AdminError)) throw error;
  const { kind, message, remedy, findings } = error;
  // The message of a reload may list what the findings tell again.
  const [first = ''] = message.split('\n');
  const lines = [
    `dashgate: ${plain(findings.length > 0 ? first : message)}`,
    ...findings.map((finding) => `  ${plain(finding)}`),
    ...(remedy === undefined ? [] : [`  → ${plain(remedy)}`]),
  ];
  return { code: EXIT[kind], out: '', err: `${lines.join('\n')}\n` };
}
