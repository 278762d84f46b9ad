import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes an nginx configuration of one worker around an `http` block, with all its files in a
 * folder of its own, and gives the command that runs it.
 */
export function nginxMain(home: string, http: string, connections: number): string[] {
  mkdirSync(home, { recursive: true });
  const file = join(home, 'nginx.conf');
  // Only root may choose a user; others would be warned.
  const user = process.getuid?.() === 0 ? 'user nobody nogroup;' : '';
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${join(home, name)};`,
  );
  writeFileSync(
    file,
    `${user}
daemon off;
worker_processes 1;
pid ${join(home, 'nginx.pid')};
error_log stderr error;
events { worker_connections ${connections}; }
http {
${places.join('\n')}
${http}
}
`,
  );
  return ['nginx', '-e', 'stderr', '-p', home, '-c', file];
}
