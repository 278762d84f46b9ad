/** Exit codes of the long-running measurements, of sysexits(3) where it has one. */
export const EXIT = { ok: 0, failure: 1, usage: 64, interrupted: 130 } as const;

/** A command line that cannot be carried out. */
export class UsageError extends Error {}

/**
 * Runs a program to its exit code: what `main` throws is told with the name of the program, and
 * followed by the usage where the command line was wrong. With `--help` or `-h` it prints the usage
 * and does nothing else. A signal ends it by way of the exit hooks, which take down what was started.
 */
export async function runEntry(
  name: string,
  usage: string,
  main: () => Promise<number>,
): Promise<void> {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    process.stdout.write(usage);
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(EXIT.interrupted));
  }
  try {
    process.exitCode = await main();
  } catch (error) {
    const wrong =
      error instanceof UsageError ||
      /^ERR_PARSE_ARGS/.test(String((error as NodeJS.ErrnoException).code));
    process.exitCode = wrong ? EXIT.usage : EXIT.failure;
    process.stderr.write(`\n${name}: ${error instanceof Error ? error.message : error}\n`);
    if (wrong) process.stderr.write(`\n${usage}`);
  }
}
