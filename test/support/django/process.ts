import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Debian's own Python: it has Django and the memcached clients. */
const PYTHON = '/usr/bin/python3';

export interface DjangoProcess {
  /** The next line that it prints. */
  line(): Promise<string>;
  /** Sends a line of JSON, and gives the line of JSON that answers it. */
  ask(request: unknown): Promise<unknown>;
}

/** Starts a script of this folder; it ends with the test whose context is `t`. */
export function startDjango(
  t: { after(hook: () => unknown): void },
  script: string,
  args: readonly string[],
): DjangoProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(PYTHON, ['-B', path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const gone = once(child, 'exit');
  t.after(() => {
    child.kill('SIGKILL');
    return gone;
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  child.stdin.on('error', () => {}); // That it has ended is told by the missing answer.
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const next = await lines.next();
    if (!next.done) return next.value;
    await gone;
    throw new Error(`${script} ended: ${complaint}`);
  };
  return {
    line,
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return JSON.parse(await line());
    },
  };
}
