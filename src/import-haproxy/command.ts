import { readArguments } from '../command-arguments.ts';
import { UsageError } from '../errors.ts';
import { envText } from './env-file.ts';
import { importHaproxy, NothingToImport } from './import.ts';
import type { Variables } from './line.ts';
import { reportText } from './report.ts';
import { readSources, UnreadableFile, UnsoundFile } from './source-files.ts';

export const IMPORT_USAGE = `Usage: dashgate import-haproxy [OPTION…] FILE…

Prints the .env of a Dashgate that does what HAProxy's configuration FILE has HAProxy do for the
dashboard and the noVNC console, and on standard error a list of every line that it does not carry
over, and why. Several files are read in their order, as by haproxy -f, of a folder all *.cfg in the
order of their names; - is standard input. Nothing else is read or changed.

  --comments        put that list into the .env, as comments, in place of standard error
  --keep-affinity   keep sticky sessions (cookie …), which shared ones make unnecessary
  --portal NAME     the frontend, listen or backend section of the dashboard is NAME
  --console NAME    that of the noVNC proxies is NAME; both are otherwise found by their names and
                    the port 6080
  -h, --help        print this

Variables in the files ("\${NAME}") are those of this command's environment.
Exit codes: 0 printed, also where lines are not carried over; 64 wrong usage; 65 FILE is not of
HAProxy or has nothing for Dashgate; 66 FILE cannot be read.
`;

/** What the command prints, and its exit code. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const EXIT = { ok: 0, usage: 64, data: 65, input: 66 } as const;

/** Runs `import-haproxy` with its arguments. */
export function runImport(args: readonly string[], environment: Variables): Outcome {
  try {
    return run(args, environment);
  } catch (error) {
    if (error instanceof NothingToImport || error instanceof UnsoundFile) {
      return failure(EXIT.data, error);
    }
    if (error instanceof UnreadableFile) return failure(EXIT.input, error);
    if (error instanceof UsageError) return usage(error.message);
    throw error;
  }
}

function run(args: readonly string[], environment: Variables): Outcome {
  const { values, positionals } = readArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      comments: { type: 'boolean' },
      'keep-affinity': { type: 'boolean' },
      portal: { type: 'string' },
      console: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return { code: EXIT.ok, out: IMPORT_USAGE, err: '' };
  if (positionals.length === 0) return usage('import-haproxy takes a file');
  const files = readSources(positionals);
  const imported = importHaproxy(files, {
    environment,
    keepAffinity: values['keep-affinity'] ?? false,
    portal: values.portal,
    console: values.console,
  });
  const out = envText(imported.draft, positionals.join(', '));
  const list = reportText(imported);
  if (!values.comments) return { code: EXIT.ok, out, err: list };
  return { code: EXIT.ok, out: `${out}\n${commented(list)}`, err: '' };
}

function commented(list: string): string {
  return list.replace(/^(?=.)/gm, '# ').replace(/^$(?=\n)/gm, '#');
}

function usage(problem: string): Outcome {
  return { code: EXIT.usage, out: '', err: `dashgate: ${problem}\n\n${IMPORT_USAGE}` };
}

function failure(code: number, error: Error): Outcome {
  return { code, out: '', err: `dashgate: ${error.message}\n` };
}
