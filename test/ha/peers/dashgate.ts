import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '../../../src/settings.ts';
import { CONSOLES, DASHBOARDS, NODES, PORTS } from '../addresses.ts';
import type { Peer } from './peer.ts';

const MAIN = new URL('../../../src/main.ts', import.meta.url).pathname;
const PACKAGING = new URL('../../../packaging/pacemaker/', import.meta.url).pathname;
/** What pcs takes of an agent. */
const PCS_SCHEMA = '/usr/share/pcs/data/ocf-1.1.rng';

/** Dashgate as the README has the cluster run it. */
export const dashgate: Peer = {
  name: 'dashgate',
  // Node names the thread, and with it the process, that runs the program.
  programs: ['MainThread', 'node'],
  check(machine, folder) {
    const file = join(folder, 'pcs.xml');
    writeFileSync(file, EMPTY);
    const commands = join(PACKAGING, 'dashgate.pcs');
    machine.run(['env', `PCS=pcs -f ${file}`, 'sh', '-e', commands], 120_000);
    machine.run(['crm_verify', '--xml-file', file]);
    const told = join(folder, 'meta-data.xml');
    const agent = '/usr/lib/ocf/resource.d/dashgate/dashgate';
    writeFileSync(told, machine.run(['env', 'OCF_ROOT=/usr/lib/ocf', agent, 'meta-data']));
    machine.run(['xmllint', '--noout', '--relaxng', PCS_SCHEMA, told]);
  },
  resources({ folder, certificate, monitorMs }) {
    const settings: Record<string, string> = {
      PORTAL_BACKENDS: backends(DASHBOARDS, PORTS.dashboard),
      CONSOLE_BACKENDS: backends(CONSOLES, PORTS.console),
      MEMCACHED_SERVERS: NODES.map((node) => `${node}:${PORTS.memcached}`).join(','),
      // The dashboards of this site use memcached themselves, as those of the other peer do.
      CACHE_LISTEN: '',
      TLS_CERT: certificate.cert,
      TLS_KEY: certificate.key,
      SHARED_SECRET: randomBytes(32).toString('hex'),
      WORKERS: '1',
    };
    if ('TLS_TICKET_SECRET' in SETTINGS) {
      settings.TLS_TICKET_SECRET = randomBytes(32).toString('hex');
    }
    const envFile = join(folder, 'dashgate.env');
    writeFileSync(
      envFile,
      Object.entries(settings)
        .map((pair) => `${pair.join('=')}\n`)
        .join(''),
    );
    const command = join(folder, 'dashgate');
    writeFileSync(command, `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`, { mode: 0o755 });
    const params = `params command=${command} env_file=${envFile} user="" \\\n`;
    return {
      clone: 'dashgate-clone',
      address: 'dashboard-ip',
      configuration: readFileSync(join(PACKAGING, 'dashgate.crm'), 'utf8')
        .replace('ocf:dashgate:dashgate \\\n', (line) => `${line}\t${params}`)
        .replace('interval=1s', `interval=${monitorMs}ms`),
    };
  },
};

function backends(addresses: readonly string[], port: number): string {
  return addresses.map((address) => `http://${address}:${port}`).join(',');
}

/** A configuration with nothing in it, and no fencing, for pcs to change. */
const EMPTY = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="options">
        <nvpair id="fencing" name="stonith-enabled" value="false"/>
      </cluster_property_set>
    </crm_config>
    <nodes/><resources/><constraints/>
  </configuration>
  <status/>
</cib>
`;
