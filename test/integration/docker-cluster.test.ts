import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import request from 'supertest';
import { parse } from 'yaml';
import { csrfTokenIn } from '../support/dashboard.ts';
import { until } from '../support/until.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const WAIT_MS = 60_000;
/** Where the certificate is in a container. */
const VOLUME = '/certificate';

interface Service {
  readonly command: readonly string[];
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly networks?: { readonly default: { readonly aliases: readonly string[] } };
}

/**
 * Gives a process what its container has: a root that can only be read, the checkout in the place of
 * the image's folder, an empty /tmp, and the volume, which is mounted for reading alone but for who
 * fills it.
 */
const CONTAINED = `
set -e
checkout=$1; app=$2; volume=$3; access=$4; shift 4
mount --bind "$checkout" "$app"
mount -o remount,bind,ro "$app"
mount --bind "$volume" "$volume"
[ "$access" = rw ] || mount -o remount,bind,ro "$volume"
mount -o remount,bind,ro /
mount -t tmpfs none /tmp
cd "$app"
exec "$@"`;

/** The services of the compose file as processes of this host, each at an address of its own. */
class Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly #image = readFileSync(`${ROOT}docker/Dockerfile`, 'utf8');
  readonly #folder = mkdtempSync('/var/tmp/dashgate-compose-');
  readonly #addresses = new Map<string, string>();
  readonly #children: ChildProcess[] = [];
  readonly #said = new Map<string, string>();

  constructor(t: TestContext) {
    const text = readFileSync(`${ROOT}docker/compose.yaml`, 'utf8');
    this.services = parse(text, { merge: true }).services;
    for (const [i, [name, { networks }]] of Object.entries(this.services).entries()) {
      const address = `127.77.${process.pid % 250}.${i + 1}`;
      for (const alias of [name, ...(networks?.default.aliases ?? [])]) {
        if (!this.#addresses.has(alias)) this.#addresses.set(alias, address);
      }
    }
    for (const folder of [this.#app, this.#volume, join(this.#folder, 'bin')]) mkdirSync(folder);
    // Alpine has the netcat of busybox.
    symlinkSync('/bin/busybox', join(this.#folder, 'bin', 'nc'));
    t.after(() => this.#stop());
  }

  address(name: string): string {
    return this.#addresses.get(name)!;
  }

  /** Runs the command of a service, contained as its container is. */
  start(name: string): ChildProcess {
    const service = this.services[name]!;
    const program = service.image === 'dashgate' ? [...this.#entryPoint(), ...service.command] : [];
    const memcached = [...service.command, '-l', this.address(name), '-u', 'nobody'];
    const words = program.length > 0 ? program : memcached;
    const access = name === 'certificate' ? 'rw' : 'ro';
    const contained = ['sh', '-c', CONTAINED, 'contained', ROOT, this.#app, this.#volume, access];
    const env = Object.entries(service.environment ?? {}).map(([key, value]) => {
      return [key, this.#here(name, value)];
    });
    const child = spawn(
      'unshare',
      ['--mount', ...(process.getuid?.() === 0 ? [] : ['-r']), ...contained, ...this.#local(words)],
      {
        env: { PATH: this.#path, NODE_ENV: 'production', ...Object.fromEntries(env) },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => this.#said.set(name, `${this.said(name)}${data}`));
    }
    this.#children.push(child);
    return child;
  }

  said(name: string): string {
    return this.#said.get(name) ?? '';
  }

  /** Resolves when the health check of a service succeeds, its own or the image's. */
  async healthy(name: string): Promise<void> {
    const { test } = this.services[name]!.healthcheck ?? {};
    const [kind, ...words] = test ?? ['CMD', ...this.#json(/^ {2}CMD (\[.*\])$/m)];
    const here = words.map((word) => word.replaceAll('127.0.0.1', this.address(name)));
    const [program, ...args] = kind === 'CMD-SHELL' ? ['sh', '-c', ...here] : here;
    await until(
      `${name} is healthy; it said: ${this.said(name)}`,
      async () => {
        const run = promisify(execFile)(program!, args, { cwd: ROOT, env: { PATH: this.#tools } });
        return run.then(
          () => true,
          () => false,
        );
      },
      WAIT_MS,
    );
  }

  get #app(): string {
    return join(this.#folder, 'app');
  }

  /** The image's own Node first. */
  get #path(): string {
    return `${this.#app}/node_modules/.bin:${process.env.PATH}`;
  }

  /** With Alpine's netcat. */
  get #tools(): string {
    return `${process.env.PATH}:${join(this.#folder, 'bin')}`;
  }

  get #volume(): string {
    return join(this.#folder, 'certificate');
  }

  #entryPoint(): string[] {
    return this.#json(/^ENTRYPOINT (\[.*\])$/m);
  }

  #json(line: RegExp): string[] {
    return JSON.parse(line.exec(this.#image)![1]!);
  }

  /** With the paths of the container where this host has them. */
  #local(words: readonly string[]): string[] {
    return words.map((word) => word.replace(VOLUME, this.#volume));
  }

  /** A setting with the names of services resolved, and with listeners at the service's address. */
  #here(name: string, value: string): string {
    const preset = value.replace(/\$\{\w+:-(.*)\}/, '$1');
    const listening = preset.replace(/^:(?=\d+$)/, `${this.address(name)}:`);
    const resolved = listening.replace(/[\w-]+(?=:\d)/g, (host) => {
      return this.#addresses.get(host) ?? host;
    });
    // What is the private network there is loopback here.
    return this.#local([resolved.replace('10.0.0.0/8', '127.0.0.0/8')])[0]!;
  }

  async #stop(): Promise<void> {
    const running = this.#children.filter(({ exitCode, signalCode }) => {
      return exitCode === null && signalCode === null;
    });
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(running.map((child) => once(child, 'exit')));
    rmSync(this.#folder, { recursive: true });
  }
}

test('the compose file is one by the schema of Docker Compose', () => {
  // Debian's Compose is older than the name of a project, and knows the rest.
  const text = readFileSync(`${ROOT}docker/compose.yaml`, 'utf8').replace(/^name: .*$/m, '');
  const args = ['--project-directory', `${ROOT}docker`, '-f', '-', 'config', '--quiet'];
  const { status, stderr } = spawnSync('docker-compose', args, { input: text, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('every command and health check of the compose file works on a read-only root', async (t) => {
  const compose = new Compose(t);
  const [code] = await once(compose.start('certificate'), 'close');
  assert.equal(code, 0, compose.said('certificate'));
  const names = Object.keys(compose.services).filter((name) => name !== 'certificate');
  const gateways = names.filter((name) => name.startsWith('gateway'));
  const parts = names.filter((name) => !gateways.includes(name));
  for (const group of [parts, gateways]) {
    for (const name of group) compose.start(name);
    for (const name of group) await compose.healthy(name);
  }

  const [first, second] = gateways.map((name) => `https://${compose.address(name)}:8443`);
  const login = '/dashboard/auth/login/';
  const page = await request(first!).get(login).disableTLSCerts().expect(200);
  const csrf = cookiesOf(page);
  const welcome = await request(first!)
    .post(login)
    .disableTLSCerts()
    .set('Cookie', csrf)
    .set('Referer', first! + login)
    .type('form')
    .send({ csrfmiddlewaretoken: csrfTokenIn(page.text), username: 'demo', password: 'demo' })
    .expect(302);
  const session = cookiesOf(welcome);
  assert.match(session, /sessionid=/);
  await request(second!)
    .get('/dashboard/project/')
    .disableTLSCerts()
    .set('Cookie', session)
    .expect(200);
});

function cookiesOf(answer: request.Response): string {
  const lines = answer.headers['set-cookie'] as unknown as string[];
  return lines.map((line) => line.split(';', 1)[0]).join('; ');
}
