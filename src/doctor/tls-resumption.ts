import type { Check } from './check.ts';

/** Whether gateways that share the memcached nodes resume each other's TLS sessions. */
export const tlsResumptionCheck: Check = {
  name: 'tls-resumption',
  async run({ config, gateway }, report) {
    const subject = 'TLS_TICKET_SECRET';
    if (config.TLS_TICKET_SECRET !== undefined) {
      const detail = 'TLS sessions are resumed at every gateway with the same secret';
      report({ severity: 'ok', subject, detail });
      return;
    }
    const peers = (await gateway)?.peers ?? [];
    if (peers.length === 0) return;
    report({
      severity: 'warning',
      subject,
      detail: `it is not set, and ${peers.join(', ')} shares the memcached nodes: who comes to another gateway has a whole TLS handshake`,
      remedy: 'set it to the same on all of them: openssl rand -hex 32',
    });
  },
};
