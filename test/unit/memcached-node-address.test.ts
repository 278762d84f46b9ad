import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseNode, parseNodes } from '../../src/memcached/node-address.ts';

it('reads a node in each form that Django and its clients know', () => {
  const forms: [string, string, string, number][] = [
    ['10.0.0.1:11212', '10.0.0.1:11212', '10.0.0.1', 11212],
    ['10.0.0.1', '10.0.0.1:11211', '10.0.0.1', 11211],
    ['controller-1.example:11211', 'controller-1.example:11211', 'controller-1.example', 11211],
    ['[::1]:11212', '[::1]:11212', '::1', 11212],
    ['[2001:db8::1]', '[2001:db8::1]:11211', '2001:db8::1', 11211],
    ['[fe80::1%eth0]:11211', '[fe80::1%eth0]:11211', 'fe80::1%eth0', 11211],
    ['inet6:[::1]:11212', '[::1]:11212', '::1', 11212],
    ['/run/memcached.sock', '/run/memcached.sock', '/run/memcached.sock', 0],
    ['unix:/run/memcached.sock', '/run/memcached.sock', '/run/memcached.sock', 0],
  ];
  for (const [form, text, host, port] of forms) {
    assert.deepEqual(parseNode(form), { text, host, port }, form);
  }
});

it('keeps the letters of a host as they are, for placement hashes them', () => {
  assert.equal(parseNode('Controller:11211').host, 'Controller');
});

it('refuses what is no address, with the value and the remedy', () => {
  for (const text of ['', ' ', 'a b', 'host:', 'host:x', ':11211', '[::1', 'http://a:1', '/a b']) {
    assert.throws(() => parseNode(text), /is not the address of a memcached node: write host:port/);
  }
  for (const text of ['[1]:11211', '[:::]', '[1.2.3.4]']) {
    assert.throws(() => parseNode(text), /is not the address of a memcached node/);
  }
  assert.throws(() => parseNode('::1'), /"::1" .*: write an IPv6 address in brackets/);
  assert.throws(() => parseNode('fe80::1:11211'), /write an IPv6 address in brackets/);
  for (const port of ['0', '65536', '99999']) {
    assert.throws(() => parseNode(`host:${port}`), /a port is a number from 1 to 65535/);
  }
});

it('refuses a list that is empty or names a node twice', () => {
  assert.throws(() => parseNodes([]), /name at least one/);
  assert.throws(() => parseNodes(['a', 'b', 'a:11211']), /a:11211 is named twice/);
});
