import type { KeyPair } from './certificate.ts';

/** Key pairs that serve together: one of each kind of key, of which the client's abilities choose. */
export type Group = readonly KeyPair[];

/** Which key pairs serve which name. */
export interface CertificateChoice {
  /** For clients that name no host, or none that a certificate is good for. */
  readonly fallback: Group;
  /** By host name in lower case, or by `*.` and the labels after the first. */
  readonly byName: ReadonlyMap<string, Group>;
}

/** A host name as certificates carry it; the first label may be a wildcard (RFC 9525 §6.3). */
const HOST_NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/**
 * Decides which of the key pairs serve which names. The first in the list comes first: it is the
 * fallback, and of two with the same kind of key for the same name it is the one that serves.
 */
export function chooseCertificates(pairs: readonly [KeyPair, ...KeyPair[]]): CertificateChoice {
  const named = pairs.map((pair) => ({ pair, names: namesOf(pair) }));
  // Equal groups are one group: a certificate with a hundred names needs but one TLS context.
  const groups = new Map<string, Group>();
  const goodFor = (names: readonly string[]): Group => {
    const byKind = new Map<string, KeyPair>();
    for (const { pair, names: own } of named) {
      const kind = pair.leaf.publicKey.asymmetricKeyType ?? '';
      if (!byKind.has(kind) && names.every((name) => own.includes(name))) byKind.set(kind, pair);
    }
    const group = [...byKind.values()];
    const id = group.map((pair) => pairs.indexOf(pair)).join();
    const known = groups.get(id) ?? group;
    groups.set(id, known);
    return known;
  };
  const byName = new Map<string, Group>();
  for (const name of named.flatMap(({ names }) => names)) {
    if (HOST_NAME.test(name) && !byName.has(name)) byName.set(name, goodFor([name]));
  }
  return { fallback: goodFor(named[0]!.names), byName };
}

/** The key pairs for a server name: the name itself, then the wildcard that covers it. */
export function groupFor(choice: CertificateChoice, serverName: string): Group {
  const name = serverName.toLowerCase();
  const wildcard = `*${name.slice(name.indexOf('.'))}`;
  return choice.byName.get(name) ?? choice.byName.get(wildcard) ?? choice.fallback;
}

/** All names in the certificate, addresses too; its common name where it has no others. */
function namesOf({ leaf }: KeyPair): string[] {
  const names = leaf.subjectAltName
    ?.split(', ')
    .map((entry) => entry.replace(/^(?:DNS|IP Address):/, '').toLowerCase());
  return names ?? [/^CN=(.*)$/m.exec(leaf.subject)?.[1]?.toLowerCase() ?? ''];
}
