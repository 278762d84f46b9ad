import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { startEmbeddedMemcached } from '../../src/demo/embedded-memcached.ts';
import { startMemcached } from '../support/memcached.ts';

/** What a client sends, and what memcached 1.6 was seen to answer. */
interface Conversation {
  readonly about: string;
  readonly sent: string;
  readonly answered: string;
}

const LONG_KEY = 'k'.repeat(251);
const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n';
const TOO_LARGE = 'SERVER_ERROR object too large for cache\r\n';

const CONVERSATIONS: readonly Conversation[] = [
  {
    about: 'unknown, empty and incomplete commands',
    sent: 'foo\r\n\r\nget\r\nGET a\r\nset a 0 0\r\ntouch a\r\nincr n\r\ndelete\r\ngat\r\ngat 1\r\n',
    answered: `${'ERROR\r\n'.repeat(9)}END\r\n`,
  },
  {
    about: 'lines that end without CR, and extra spaces',
    sent: 'set a 0 0 1\n1\r\nget a\n  get   a \r\n',
    answered: `STORED\r\n${'VALUE a 0 1\r\n1\r\nEND\r\n'.repeat(2)}`,
  },
  {
    about: 'numbers that are none',
    sent: 'set a b c d\r\nset a 0 0 -1\r\nset a -1 0 1\r\n1\r\ncas a 0 0 1 x\r\n1\r\ntouch a x\r\n',
    answered: `${BAD_FORMAT}${BAD_FORMAT}${BAD_FORMAT}ERROR\r\n${BAD_FORMAT}ERROR\r\nCLIENT_ERROR invalid exptime argument\r\n`,
  },
  {
    about: 'keys that are too long',
    // One `get` only: in an error of `get`, memcached drops the replies before it that are unsent.
    sent: `get a ${LONG_KEY}\r\nset ${LONG_KEY} 0 0 1\r\n1\r\ndelete ${LONG_KEY}\r\n`,
    answered: `${BAD_FORMAT}${BAD_FORMAT}ERROR\r\n${BAD_FORMAT}`,
  },
  {
    about: 'a value of another length than announced',
    sent: 'set a 0 0 1\r\n12345\r\nget a\r\n',
    answered: 'CLIENT_ERROR bad data chunk\r\nERROR\r\nEND\r\n',
  },
  {
    about: 'a value that is too large, which also drops the old one',
    sent: `set a 0 0 1\r\n1\r\nset a 0 0 1048577\r\n${'x'.repeat(1_048_577)}\r\nget a\r\n`,
    answered: `STORED\r\n${TOO_LARGE}END\r\n`,
  },
  {
    about: 'the longest value of a key, and one byte more',
    sent: `set a 0 0 1048516\r\n${'x'.repeat(1_048_516)}\r\nset a 0 0 1048517\r\n${'x'.repeat(1_048_517)}\r\n`,
    answered: `STORED\r\n${TOO_LARGE}`,
  },
  {
    about: 'noreply, also of errors',
    sent: 'set a 0 0 1 noreply\r\n1\r\nadd a 0 0 1 noreply\r\n2\r\ndelete b noreply\r\nincr a 1 noreply\r\ntouch a 9 noreply\r\nset a b c d noreply\r\nverbosity 1 noreply\r\nget a\r\n',
    answered: 'VALUE a 0 1\r\n2\r\nEND\r\n',
  },
  {
    about: 'append and prepend, which keep flags',
    sent: 'append a 0 0 1\r\nx\r\nset a 7 0 1\r\n2\r\nappend a 1 0 1\r\n3\r\nprepend a 1 0 1\r\n1\r\nget a\r\n',
    answered: 'NOT_STORED\r\nSTORED\r\nSTORED\r\nSTORED\r\nVALUE a 7 3\r\n123\r\nEND\r\n',
  },
  {
    about: 'several keys, in the order asked, as often as asked',
    sent: 'set a 0 0 1\r\n1\r\nset b 2 0 0\r\n\r\nget b x a b\r\ngets nope\r\n',
    answered:
      'STORED\r\nSTORED\r\nVALUE b 2 0\r\n\r\nVALUE a 0 1\r\n1\r\nVALUE b 2 0\r\n\r\nEND\r\nEND\r\n',
  },
  {
    about: 'get and touch',
    sent: 'set a 3 0 1\r\n1\r\ngat 100 a b\r\ngat x a\r\ngat -1 a\r\nget a\r\n',
    answered:
      'STORED\r\nVALUE a 3 1\r\n1\r\nEND\r\nCLIENT_ERROR invalid exptime argument\r\nVALUE a 3 1\r\n1\r\nEND\r\nEND\r\n',
  },
  {
    about: 'counters that shrink, wrap, and are none',
    sent: 'set n 0 0 2\r\n10\r\ndecr n 1\r\nget n\r\nincr n x\r\nset n 0 0 20\r\n18446744073709551615\r\nincr n 2\r\nset n 0 0 0\r\n\r\nincr n 1\r\n',
    answered:
      'STORED\r\n9\r\nVALUE n 0 2\r\n9 \r\nEND\r\nCLIENT_ERROR invalid numeric delta argument\r\nSTORED\r\n1\r\nSTORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n',
  },
  {
    about: 'the forms of delete',
    sent: 'set a 0 0 1\r\n1\r\ndelete a 5\r\ndelete a 0\r\ndelete a 0\r\ndelete a 0 noreply\r\n',
    answered:
      'STORED\r\nCLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\nDELETED\r\nNOT_FOUND\r\n',
  },
  {
    about: 'negative and past times to live, which also hide the old value',
    sent: 'set a 0 0 1\r\n1\r\nset a 0 -1 1\r\n2\r\nget a\r\nset a 0 2592001 1\r\n3\r\nget a\r\nadd a 0 0 1\r\n4\r\nget a\r\n',
    answered: 'STORED\r\nSTORED\r\nEND\r\nSTORED\r\nEND\r\nSTORED\r\nVALUE a 0 1\r\n4\r\nEND\r\n',
  },
  {
    about: 'flush_all, verbosity and stats',
    sent: 'set a 0 0 1\r\n1\r\nflush_all\r\nget a\r\nflush_all x\r\nverbosity\r\nverbosity x\r\nstats reset\r\n',
    answered: `STORED\r\nOK\r\nEND\r\nCLIENT_ERROR invalid exptime argument\r\nERROR\r\n${BAD_FORMAT}RESET\r\n`,
  },
  {
    about: 'meta commands',
    sent: 'mn\r\nmg a v\r\nmg a v q\r\nms a 2 F5 T30\r\n12\r\nmg a v f s k t O9\r\nms a 1 ME\r\n3\r\nms b 1 MR\r\n3\r\nms a 1 MA\r\n3\r\nms a 1 C1000000\r\n4\r\nmg a v\r\nmd a q\r\nmd a\r\nms a 1 MX\r\n1\r\nmn\r\n',
    answered:
      'MN\r\nEN\r\nHD\r\nVA 2 f5 s2 ka t30 O9\r\n12\r\nNS\r\nNS\r\nHD\r\nEX\r\nVA 3\r\n123\r\nNF\r\nCLIENT_ERROR invalid mode for ms M token\r\nMN\r\n',
  },
];

const SERVERS: Record<string, (t: TestContext) => Promise<{ host: string; port: number }>> = {
  'the real memcached': (t) => startMemcached(t),
  'the embedded memcached': async (t) => {
    const server = await startEmbeddedMemcached();
    t.after(() => server.close());
    return server;
  },
};

for (const [name, start] of Object.entries(SERVERS)) {
  describe(`${name} answers to the byte`, () => {
    for (const { about, sent, answered } of CONVERSATIONS) {
      it(about, async (t) => {
        const { host, port } = await start(t);
        const socket = connect({ host, port });
        socket.write(`${sent}quit\r\n`, 'latin1');
        assert.equal(await text(socket), answered);
      });
    }
  });
}
