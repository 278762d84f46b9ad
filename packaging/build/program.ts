import { execFileSync } from 'node:child_process';

/** Runs a program; what it printed. @throws Error with what it complained of. */
export function outputOf(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  try {
    return execFileSync(program, args, {
      cwd,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    const missing = `${program} is not installed; on Debian: apt-get install binutils dpkg git rpm`;
    throw new Error(
      code === 'ENOENT' ? missing : `${program} ${args[0]} failed: ${stderr?.trim()}`,
    );
  }
}
