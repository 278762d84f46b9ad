import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayState } from '../../src/admin/state.ts';
import { connectStateNodes } from '../../src/memcached/state-node.ts';
import { startBackend } from '../support/backend.ts';
import { openBrowser } from '../support/browser.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startMemcached } from '../support/memcached.ts';
import { openStatus } from '../support/status-browser.ts';
import { until } from '../support/until.ts';

const MARKUP = '<script>window.hit=1</script><img/src=x/onerror=window.hit=1>';
/** RIGHT-TO-LEFT OVERRIDE, which turns all that follows in its line. */
const TURNED = '\u202e';

test('what others write to memcached is text on the status page, and widens nothing', async (t) => {
  const memcached = await startMemcached(t);
  const [node] = connectStateNodes([memcached.address]);
  t.after(() => node!.close());
  const put = (name: string, value: unknown) =>
    node!.set(`dashgate:state:${name}`, Buffer.from(JSON.stringify(value)), 0);
  const decision = (subject: string) => [subject, 1, 'maint', 0, 'x'.repeat(128)];
  await put('decisions', {
    dashgate: 1,
    decisions: [decision(`portal/${MARKUP}`), decision(`console/${'Z'.repeat(500)}`)],
  });
  await put('gateways', { dashgate: 1, gateways: ['y'.repeat(128)] });
  const dashboard = await startBackend(t);
  const gateway = await startTestGateway(t, {
    PORTAL_BACKENDS: `${dashboard.url} name=dash-1`,
    MEMCACHED_SERVERS: memcached.address,
    HEARTBEAT_INTERVAL: '500ms',
  });
  const url = `http://127.0.0.1:${gateway.addresses.admin!.port}/`;
  const services = [[`${TURNED}${MARKUP}${'W'.repeat(150)}`, [['a', 1, 'up']]]];
  let beat = 0;
  const beating = setInterval(() => {
    beat += 1;
    const told = { dashgate: 1, instance: 'i', beat, stopping: false, secret: 's', services };
    put(`gateway:${'y'.repeat(128)}`, told).catch(() => {});
  }, 100);
  t.after(() => clearInterval(beating));
  await until('the other gateway is known', async () => {
    const { shared } = (await (await fetch(`${url}api/state`)).json()) as GatewayState;
    return shared?.peers.length === 1;
  });
  const browser = await openBrowser(t);
  for (const width of [1_280, 390]) {
    const options = { viewport: { width, height: 900 } };
    const { page, complaints, origins } = await openStatus(t, browser, url, options);
    assert.match((await page.locator('.decisions').textContent()) ?? '', /<script>window\.hit/);
    await page.locator('main', { hasText: 'y'.repeat(128) }).waitFor();
    assert.ok(!(await page.content()).includes('WWW'), 'a service that there is not here');
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
    assert.equal(await page.evaluate('window.hit'), undefined);
    assert.equal(await page.locator('main script, main img').count(), 0);
    assert.deepEqual(complaints, []);
    assert.deepEqual([...origins], [new URL(url).origin]);
  }
});
