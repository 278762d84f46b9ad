import { readBindOptions } from './bind-options.ts';
import { type Context, servicesOf } from './context.ts';
import type { Bind } from './proxy-section.ts';

/** Sets the certificates, and who may tell addresses of clients. */
export function translateCertificates(context: Context): void {
  const { draft, ledger, globals } = context;
  const binds = servicesOf(context).flatMap(({ fronts }) => fronts.flatMap((front) => front.binds));
  const base = globals
    .flatMap(({ lines }) => lines)
    .find(({ words: [word] }) => word === 'crt-base');
  const found = new Map<string, Bind>();
  for (const bind of binds) {
    for (const path of readBindOptions(bind.options).certificates) {
      const absolute = base && !/^[/@]/.test(path) ? `${base.words[1]}/${path}` : path;
      if (isOneFile(absolute)) {
        found.set(absolute, bind);
      } else {
        const reason =
          'is not the path of one file: write the files into TLS_CERT and TLS_KEY, that of the default certificate first';
        ledger.dropPart(bind.line, `crt ${path}`, 'decide', reason);
      }
      if (base && absolute !== path) ledger.carry(base);
    }
  }
  const paths = [...found.keys()];
  const lines = [...new Set([...found.values()].map(({ line }) => line))];
  if (paths.length === 0) {
    const why = 'To fill in: the file names no certificate that could be taken over.';
    draft.set('TLS_CERT', '', { blank: true, notes: [why] });
    draft.set('TLS_KEY', '', { blank: true, notes: ['To fill in, in the same order.'] });
  } else {
    draft.set('TLS_CERT', paths.join(','), { lines });
    draft.set('TLS_KEY', paths.join(','), {
      lines,
      notes: [
        'HAProxy has the key in the same file, or beside it as FILE.key. Nobody else may read it: chmod 0600, or 0640 where root owns it.',
      ],
    });
  }
  translateProxyProtocol(context, binds);
}

function translateProxyProtocol(context: Context, binds: readonly Bind[]): void {
  const { draft, ledger } = context;
  const expecting = binds.filter(({ options }) => options.includes('accept-proxy'));
  const terminated = binds.every(({ tls }) => !tls);
  for (const { line } of terminated ? expecting : []) {
    const reason = 'was for what ended TLS in front, which Dashgate replaces';
    ledger.dropPart(line, 'accept-proxy', 'builtin', reason);
  }
  const rules = servicesOf(context)
    .flatMap(({ fronts }) => fronts)
    .flatMap((front) => front.all('tcp-request', 'connection', 'expect-proxy'));
  const networks = rules.flatMap(({ words }) => {
    const at = words.indexOf('src');
    return words[at - 1] === '{' ? words.slice(at + 1, words.indexOf('}', at)) : [];
  });
  if (networks.length > 0) {
    const problem = draft.set('PROXY_PROTOCOL_FROM', networks.join(','), { lines: rules });
    for (const line of rules) {
      if (problem === undefined) ledger.carry(line);
      else
        ledger.drop(
          line,
          'decide',
          `its addresses are not taken as PROXY_PROTOCOL_FROM: it ${problem}`,
        );
    }
  } else if (expecting.length > 0 && !terminated) {
    draft.set('PROXY_PROTOCOL_FROM', '', {
      blank: true,
      lines: expecting.map(({ line }) => line),
      notes: [
        'To fill in: the addresses of the balancer in front, which begins each connection with a PROXY protocol header.',
      ],
    });
  }
}

function isOneFile(path: string): boolean {
  return /^\/[^,\p{Cc}]*[^/,\p{Cc}]$/u.test(path) && path.trim() === path;
}
