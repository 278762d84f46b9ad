import type { Program, Programs } from './program.ts';

export interface Application {
  readonly name: string;
  /** Loopback port to serve on. */
  readonly port: number;
  /** The WSGI application as `module:variable`, and the folder that holds the module. */
  readonly module: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Serves a WSGI application with Debian's gunicorn: one worker process of four threads. */
export function startGunicorn(programs: Programs, application: Application): Program {
  const { name, port, module, folder, env } = application;
  return programs.start({
    name,
    command: '/usr/bin/python3',
    args: [
      ...['-m', 'gunicorn', module, '--pythonpath', folder, '--bind', `127.0.0.1:${port}`],
      ...['--workers', '1', '--worker-class', 'gthread', '--threads', '4'],
      ...['--keep-alive', '75', '--timeout', '120', '--graceful-timeout', '2', '--no-sendfile'],
      // By default gunicorn itself believes X-Forwarded-Proto from 127.0.0.1, and everything would
      // look secure for the wrong reason. A documentation address: it trusts nobody.
      ...['--forwarded-allow-ips', '192.0.2.255', '--access-logfile', '-'],
    ],
    env,
  });
}
