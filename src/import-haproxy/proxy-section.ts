import { type BindAddress, bindAddresses } from './addresses.ts';
import type { Line } from './line.ts';
import type { Section } from './sections.ts';

/** An address that a frontend listens on, with the line that says so. */
export interface Bind extends BindAddress {
  readonly line: Line;
  /** What follows the address. */
  readonly options: readonly string[];
  /** TLS ends here. */
  readonly tls: boolean;
}

/** A rule that sends some requests to another backend. */
export interface Route {
  readonly line: Line;
  /** The backend; where it is worked out for each request, the one that a map has for all others. */
  readonly target: string;
  /** What it is worked out by, to be told. */
  readonly chosenBy?: string | undefined;
  /** The words from `if` or `unless` on; empty where it is for all. */
  readonly condition: readonly string[];
}

/** A frontend, a backend, or both (`listen`), with the defaults that apply to it. */
export class ProxySection {
  readonly section: Section;
  /** The defaults that apply to it, nearest last. */
  readonly defaults: readonly Section[];
  /** All that makes it what it is: its own lines after those of its defaults. */
  readonly lines: readonly Line[];
  readonly binds: readonly Bind[];
  readonly routes: readonly Route[];
  /** Its lines by their first words. */
  readonly #index: ReadonlyMap<string, Line[]>;
  readonly #acls: ReadonlyMap<string, Line[]>;

  constructor(section: Section) {
    this.section = section;
    this.defaults = chainOf(section);
    this.lines = [...this.defaults, section].flatMap(({ lines }) => lines);
    this.#index = Map.groupBy(this.lines, ({ words: [first = ''] }) => first);
    this.#acls = Map.groupBy(this.#index.get('acl') ?? [], ({ words: [, name = ''] }) => name);
    this.binds = this.isFront ? bindsOf(section) : [];
    this.routes = this.isFront ? routesOf(this) : [];
  }

  get name(): string {
    return this.section.name;
  }

  get isFront(): boolean {
    return this.section.kind !== 'backend';
  }

  get isBack(): boolean {
    return this.section.kind !== 'frontend';
  }

  /** Lines of its own that begin with these words. */
  own(...keyword: readonly string[]): Line[] {
    return this.section.lines.filter((line) => begins(line, keyword));
  }

  /** As `own`, after those of its defaults. */
  all(...keyword: readonly string[]): Line[] {
    const [first = ''] = keyword;
    return (this.#index.get(first) ?? []).filter((line) => begins(line, keyword));
  }

  /** The line that counts of those that begin with these words: the last one, its own before defaults. */
  last(...keyword: readonly string[]): Line | undefined {
    return this.all(...keyword).at(-1);
  }

  /** The last line on an option: it is on, or it is off (`no option …`). */
  option(name: string): { readonly line: Line; readonly on: boolean } | undefined {
    const on = this.last('option', name);
    const off = this.last('no', 'option', name);
    const line =
      on && off ? this.lines.findLast((each) => each === on || each === off) : (on ?? off);
    return line && { line, on: line === on };
  }

  /** The lines of an ACL. */
  acl(name: string): readonly Line[] {
    return this.#acls.get(name) ?? [];
  }

  get mode(): string {
    return this.last('mode')?.words[1] ?? 'tcp';
  }

  get disabled(): Line | undefined {
    return this.own('disabled').at(-1);
  }
}

/** Defaults may build on others (`from`), which are always earlier ones. */
function chainOf(section: Section): Section[] {
  const chain: Section[] = [];
  for (let at = section.defaults; at; at = at.defaults) chain.unshift(at);
  return chain;
}

function begins(line: Line, keyword: readonly string[]): boolean {
  return keyword.every((word, index) => line.words[index] === word);
}

function bindsOf(section: Section): Bind[] {
  const { words } = section.head;
  const from = words.indexOf('from', 2);
  const headWords = from < 0 ? words : words.slice(0, from);
  // Before 1.5, the address could stand on the line of the section.
  const [, , address, ...options] = headWords;
  const lines = section.lines.filter((line) => line.words[0] === 'bind');
  return [
    ...(address === undefined ? [] : bindOf(section.head, address, options)),
    ...lines.flatMap((line) => bindOf(line, line.words[1] ?? '', line.words.slice(2))),
  ];
}

function bindOf(line: Line, address: string, options: readonly string[]): Bind[] {
  const tls = options.includes('ssl');
  if (line.problem !== undefined) {
    return [{ host: '', port: undefined, problem: line.problem, line, options, tls }];
  }
  return bindAddresses(address).map((each) => ({ ...each, line, options, tls }));
}

/** `use_backend %[req.hdr(host),lower,map_dom(FILE,DEFAULT)]` */
function chosen(expression: string): Pick<Route, 'target' | 'chosenBy'> {
  const map = /[,[]map(?:_\w+)?\(([^,()]*)(?:,([^,()]*))?\)\]$/.exec(expression);
  if (!map) return { target: '', chosenBy: 'what is worked out for each request' };
  return { target: map[2]?.trim() ?? '', chosenBy: `the map ${map[1]}, which is not read` };
}

function routesOf(proxy: ProxySection): Route[] {
  const routes = proxy.own('use_backend').map((line) => {
    const [, target = '', ...condition] = line.words;
    return target.includes('%[')
      ? { line, ...chosen(target), condition }
      : { line, target, condition };
  });
  const fallback = proxy.last('default_backend');
  if (!fallback) return routes;
  return [...routes, { line: fallback, target: fallback.words[1] ?? '', condition: [] }];
}
