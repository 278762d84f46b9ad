import { ACCEPTED, acceptedFor, isGrave } from './accepted.ts';
import { deviations, INTERMEDIATE, type Offer, offerOf } from './profile.ts';
import { type Finding, SEVERITIES, type Severity } from './scan.ts';
import { isDashgate, type SubjectName } from './subjects.ts';

/** What testssl.sh has found of one subject. */
export interface Result {
  readonly subject: SubjectName;
  readonly findings: readonly Finding[];
}

const NAMES: Readonly<Record<SubjectName, string>> = {
  portal: 'Dashgate: portal',
  console: 'console',
  admin: 'admin',
  haproxy: 'HAProxy',
  'haproxy-mozilla': "HAProxy, Mozilla's",
};

/** The known attacks that testssl.sh looks for, by the names of its findings. */
export const ATTACKS = [
  ...['heartbleed', 'CCS', 'ticketbleed', 'ROBOT', 'secure_renego', 'secure_client_renego'],
  ...['CRIME_TLS', 'BREACH', 'POODLE_SSL', 'fallback_SCSV', 'SWEET32', 'FREAK', 'DROWN', 'LOGJAM'],
  ...['BEAST', 'LUCKY13', 'RC4'],
];

/** A table of Markdown: what each subject offers, and how many findings it has. */
export function table(results: readonly Result[], version: string): string {
  const offers = results.map(({ findings }) => offerOf(findings));
  const row = (name: string, wanted: string, tell: (offer: Offer, result: Result) => string) => [
    name,
    wanted,
    ...offers.map((offer, index) => tell(offer, results[index]!)),
  ];
  const counts = (severity: Severity) =>
    row(severity, '', (_offer, { findings }) => `${ofSeverity(findings, severity).length}`);
  const rows = [
    ['', "Mozilla's intermediate", ...results.map(({ subject }) => NAMES[subject])],
    row('protocols', INTERMEDIATE.protocols.join(', '), ({ protocols }) => protocols.join(', ')),
    row('cipher suites', `${INTERMEDIATE.suites.length}`, suites),
    row('key agreement', curveNames(INTERMEDIATE), curveNames),
    row('their order is', "the client's", ({ order }) => `the ${order}'s`),
    row('Strict-Transport-Security', 'yes', ({ hsts }) => (hsts ? 'yes' : 'no')),
    row('session tickets', 'no', ({ tickets }) => (tickets ? 'yes' : 'no')),
    row(`${ATTACKS.length} known attacks`, '', (_offer, { findings }) => attacks(findings)),
    ...(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const).map(counts),
    row('as the profile', '', (offer, { subject }) =>
      isDashgate(subject) ? (deviations(offer).length === 0 ? 'yes' : 'no') : '',
    ),
  ];
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  lines.splice(1, 0, `| ${rows[0]!.map(() => '---').join(' | ')} |`);
  const accepted = ACCEPTED.map(
    ({ id, severity, subjects: of, reason }) =>
      `- ${severity} \`${id}\` (${of.join(', ')}): ${reason}`,
  );
  return [
    ...lines,
    '',
    `${version}; certificates of an authority of its own, ECDSA and RSA. Accepted of Dashgate:`,
    '',
    ...accepted,
  ].join('\n');
}

/** What is above LOW, and what each is accepted for; then where an offer is another than the profile. */
export function listed(results: readonly Result[]): string {
  const lines = results.flatMap(({ subject, findings }) => [
    ...findings.filter(isGrave).map((finding) => {
      const { id, severity, finding: text } = finding;
      const reason = acceptedFor(subject, finding)?.reason;
      const told = `${subject}: ${severity} ${id}: ${text}`;
      return reason === undefined ? told : `${told}\n    accepted: ${reason}`;
    }),
    ...deviations(offerOf(findings)).map((problem) => `${subject}: not as the profile: ${problem}`),
  ]);
  return lines.join('\n');
}

/** Whether Dashgate is at fault: a finding above LOW that is not explained, or another offer than the profile. */
export function isAtFault({ subject, findings }: Result): boolean {
  if (!isDashgate(subject)) return false;
  const grave = findings.some((finding) => isGrave(finding) && !acceptedFor(subject, finding));
  const untested = ATTACKS.some((id) => !findings.some((finding) => finding.id === id));
  return grave || untested || deviations(offerOf(findings)).length > 0;
}

function ofSeverity(findings: readonly Finding[], severity: Severity): readonly Finding[] {
  return findings.filter((finding) => finding.severity === severity);
}

function attacks(findings: readonly Finding[]): string {
  const open = findings.filter(
    ({ id, severity }) =>
      ATTACKS.includes(id) && SEVERITIES.indexOf(severity) > SEVERITIES.indexOf('INFO'),
  );
  return open.length === 0 ? 'none found' : open.map(({ id }) => id).join(', ');
}

function suites({ suites: offered, obsolete, keys }: Offer): string {
  const wanted = offered.filter((name) => INTERMEDIATE.suites.includes(name)).length;
  const others = offered.length - wanted;
  const alone = keys.length === 1 ? ` (${keys[0] === 'EC' ? 'ECDSA' : 'RSA'} alone)` : '';
  const count = others === 0 ? `${wanted}${alone}` : `${wanted} and ${others} others${alone}`;
  return obsolete.length === 0 ? count : `${count}; ${obsolete.join('; ')}`;
}

function curveNames({ curves, finiteField }: Pick<Offer, 'curves' | 'finiteField'>): string {
  const known = INTERMEDIATE.curves.filter((name) => curves.includes(name));
  const others = curves.filter((name) => !known.includes(name));
  const names = [...known, ...others].map((name) => CURVES[name] ?? name);
  return [...names, ...(finiteField ? ['DH'] : [])].join(', ');
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};
