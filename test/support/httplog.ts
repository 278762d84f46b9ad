/** One line in HAProxy's HTTP log format, taken apart. */
export type HttpLogLine = ReturnType<typeof parseHttpLog>;

/**
 * The fields of the format, by HAProxy's configuration manual (§8.2.3): each is what stands between two
 * blanks, but for the date and the request.
 */
const FORMAT =
  /^(?:<\d+>)?(?:\S.*?\[\d+\]: )?(?<ip>\S+):(?<port>\d+) \[(?<date>\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2}\.\d{3})\] (?<frontend>\S+) (?<backend>[^\s/]+)\/(?<server>\S+) (?<TR>-?\d+)\/(?<Tw>-?\d+)\/(?<Tc>-?\d+)\/(?<Tr>-?\d+)\/(?<Ta>\+?\d+) (?<status>-?\d+) (?<bytes>\+?\d+) (?<requestCookie>\S+) (?<answerCookie>\S+) (?<state>[CSPLRIDUKcs-][RQCHDLT-][NIDVEOU-][NIURPD-]) (?<actconn>\d+)\/(?<feconn>\d+)\/(?<beconn>\d+)\/(?<srvconn>\d+)\/(?<retries>\+?\d+) (?<serverQueue>\d+)\/(?<backendQueue>\d+) "(?<request>[^"]*)"$/;

export function parseHttpLog(line: string): Readonly<Record<string, string>> {
  const found = FORMAT.exec(line.replace(/[\n\0]+$/, ''))?.groups;
  if (!found) throw new Error(`is no line of the HTTP log format: ${line}`);
  return found;
}
