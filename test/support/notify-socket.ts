import { spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { until } from './until.ts';

const PROGRAM = new URL('notify-socket.py', import.meta.url).pathname;

/** What a service has told its service manager: messages in order, each with its fields. */
export interface NotifySocket {
  readonly messages: readonly (readonly string[])[];
  /** Resolves with the number of the first message since `from` that has such a field. */
  told(field: RegExp, from?: number): Promise<number>;
}

/**
 * Listens as systemd does at NOTIFY_SOCKET, with a path or an abstract name (`@…`). In Python: Node has no
 * such sockets.
 */
export async function openNotifySocket(t: TestContext, name: string): Promise<NotifySocket> {
  const child = spawn('/usr/bin/python3', [PROGRAM, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  let text = '';
  const messages: string[][] = [];
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    const lines = (text + data).split('\n');
    text = lines.pop()!;
    for (const line of lines.filter((line) => line.startsWith('['))) {
      const fields = JSON.parse(line) as string[];
      // Says that messages before it have been taken; systemd closes what comes with it.
      if (fields[0] !== 'BARRIER=1') messages.push(fields);
    }
    bound ||= lines.includes('bound');
  });
  let bound = false;
  await until('the socket is bound', () => bound);
  const found = (field: RegExp, from: number) =>
    messages.findIndex((fields, i) => i >= from && fields.some((one) => field.test(one)));
  return {
    messages,
    told: async (field, from = 0) => {
      await until(`${field} is told`, () => found(field, from) >= 0, 60_000);
      return found(field, from);
    },
  };
}
