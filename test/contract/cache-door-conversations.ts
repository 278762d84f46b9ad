/** What a client sends; the answers are those of the memcached beside which it is held. */
export interface Conversation {
  readonly about: string;
  /** Latin-1. */
  readonly sent: string;
}

const KEY_250 = 'k'.repeat(250);
const KEY_251 = 'k'.repeat(251);
const STORAGE = ['set', 'add', 'replace', 'append', 'prepend', 'cas'] as const;
const PRESENT = 'set a 7 0 2\r\n10\r\n';

/** Lines of a storage command, `#` standing for its last number of `cas` and `noreply`. */
const STORAGE_LINES = [
  'VERB a 1 0 1#\r\nx',
  'VERB a 1 0 0#\r\n',
  'VERB nope 1 0 1#\r\nx',
  'VERB a 4294967295 0 1#\r\nx',
  'VERB a 4294967296 0 1#\r\nx',
  'VERB a 18446744073709551615 0 1#\r\nx',
  'VERB a 18446744073709551616 0 1#\r\nx',
  'VERB a -1 0 1#\r\nx',
  'VERB a +3 0 1#\r\nx',
  'VERB a x 0 1#\r\nx',
  'VERB a 1x 0 1#\r\nx',
  'VERB a 1 -1 1#\r\nx',
  'VERB a 1 100 1#\r\nx',
  'VERB a 1 2592001 1#\r\nx',
  'VERB a 1 2147483647 1#\r\nx',
  'VERB a 1 2147483648 1#\r\nx',
  'VERB a 1 4294967296 1#\r\nx',
  'VERB a 1 9223372036854775808 1#\r\nx',
  'VERB a 1 -9223372036854775808 1#\r\nx',
  'VERB a 1 x 1#\r\nx',
  'VERB a 1 0 x#',
  'VERB a 1 0 -1#',
  'VERB a 1 0 2147483646#',
  'VERB a 1 0 9999999999999999999999#',
  'VERB a 1 0 3#\r\nabcde',
  'VERB a 1 0 5#\r\n\0\r\n\xff\xfe',
  'VERB a 1 0 4#\r\n\r\n\r\n',
  `VERB ${KEY_250} 1 0 1#\r\nx`,
  `VERB ${KEY_251} 1 0 1#\r\nx`,
  '  VERB  a  1  0  1  #\r\nx',
  'VERB \xe9\xff 1 0 1#\r\nx',
  'VERB a 1 0 1# extra extra\r\nx',
  'VERB a 1 0 1# else\r\nx',
  'VERB a 1 0',
  'VERB a 1',
  'VERB a',
  'VERB',
] as const;

function storage(verb: string): Conversation[] {
  const numbers = verb === 'cas' ? [' 99', ' x', ' -1', ' 18446744073709551616', ''] : [''];
  return STORAGE_LINES.flatMap((form) =>
    (form.includes('#') ? ['', ' noreply'] : ['']).flatMap((noreply) =>
      (form === STORAGE_LINES[0] ? numbers : numbers.slice(0, 1)).map((number) => {
        const line = form.replace('VERB', verb).replace('#', `${number}${noreply}`);
        const about = JSON.stringify(line.replaceAll(/k{9,}/g, ({ length }) => `k×${length}`));
        return { about, sent: `${PRESENT}${line}\r\ngets a\r\nget nope \xe9\xff\r\nmn\r\n` };
      }),
    ),
  );
}

const LINES = [
  '',
  ' ',
  'g',
  'foo',
  'GET a',
  'get',
  'gets',
  'get a',
  'get a b',
  'gets a a nope a',
  `get ${'nope '.repeat(100)}a`,
  `get ${KEY_250}`,
  'get \xe9\xff \x80',
  'get noreply',
  'gat',
  'gat 0',
  'gat x a',
  'gat 100 a nope a',
  'gats 100 a nope',
  'gat -1 a',
  'gat 9223372036854775808 a',
  'delete',
  'delete a',
  'delete nope',
  'delete a 0',
  'delete a 1',
  'delete a noreply',
  'delete a 0 noreply',
  'delete a 1 noreply',
  'delete a 0 0',
  'delete a 0 0 0',
  'delete noreply',
  `delete ${KEY_250}`,
  `delete ${KEY_251}`,
  `delete ${KEY_251} noreply`,
  'touch',
  'touch a',
  'touch a 0',
  'touch a 100',
  'touch a -1',
  'touch a x',
  'touch a noreply',
  'touch a 0 noreply',
  'touch a 0 0',
  'touch a 0 0 0',
  'touch nope 0',
  `touch ${KEY_251} 0`,
  ...['incr', 'decr'].flatMap((verb) => [
    verb,
    `${verb} a`,
    `${verb} a 1`,
    `${verb} a 0`,
    `${verb} a 11`,
    `${verb} a +1`,
    `${verb} a -1`,
    `${verb} a x`,
    `${verb} a 1x`,
    `${verb} a 18446744073709551615`,
    `${verb} a 18446744073709551616`,
    `${verb} a 1 noreply`,
    `${verb} a x noreply`,
    `${verb} a noreply`,
    `${verb} a 1 1`,
    `${verb} a 1 1 1`,
    `${verb} nope 1`,
    `${verb} text 1`,
    `${verb} text 1 noreply`,
    `${verb} ${KEY_251} 1`,
  ]),
  'verbosity',
  'verbosity 1',
  'verbosity x',
  'verbosity -1',
  'verbosity 1 noreply',
  'verbosity x noreply',
  'verbosity noreply',
  'verbosity 1 2 3',
  'flush_all',
  'flush_all 0',
  'flush_all -1',
  'flush_all x',
  'flush_all noreply',
  'flush_all 0 noreply',
  'flush_all x noreply',
  'flush_all 0 0',
  'flush_all 0 0 0',
  'stats reset',
  'stats nonsense',
  'shutdown',
  'shutdown graceful',
  'quit',
  'quit now',
  'mn',
  'mn x y',
  'mx',
  'mg',
  'mg a',
  'mg a v',
  'mg nope',
  'mg nope v q',
  'mg nope k O7',
  'mg nope k q O7',
  'mg a v q',
  'mg a s v t f k O123 c',
  'mg a c k f',
  'mg a f k c v s',
  'mg a kx vx sfoo',
  'mg a h',
  'mg a t',
  'mg a u l',
  'mg a T100 t',
  'mg a Tx',
  'mg a T',
  'mg nope N30 t',
  'mg nope N30 v k t',
  'mg a R30',
  'mg a v v',
  'mg a !',
  'mg a \xff',
  'mg a V',
  'mg a Oabcdefghijklmnopqrstuvwxyz01234',
  'mg a Oabcdefghijklmnopqrstuvwxyz0123456',
  'mg YQ== b v',
  'mg YQ== v b f',
  'mg bm9wZQ== b k',
  'mg ! b',
  'mg a b',
  'mg a Mx M',
  'mg a MS',
  'mg a Cx',
  'mg a C5 F1 D1 J1 I P1 L1 v',
  'mg a Fx',
  'mg a Fx Tx',
  'mg a Tx Fx',
  'mg a Dx',
  'mg a Jx',
  `mg ${KEY_251} v`,
  'mg a a b c d e f g h i j k l m n o p q r',
  `mg a v ${'s t f c k h l u q '.repeat(2)}`,
  'md',
  'md a',
  'md a q',
  'md nope',
  'md nope q',
  'md a k O5',
  'md a q k O5',
  'md nope k O5',
  'md a C999999',
  'md a C999999 q',
  'md a Cx',
  'md a !',
  'md a q q',
  'md YQ== b k',
  'md ! b',
  'md a I T30\r\nmg a v',
  `md ${KEY_251}`,
  'md a Oabcdefghijklmnopqrstuvwxyz0123456',
  'ms',
  'ms a',
  'ms a x',
  'ms a -1',
  'ms a 2\r\n12',
  'ms a 2 c\r\n12',
  'ms a 2 F5 T100 k O9\r\n12',
  'ms a 2 q\r\n12',
  'ms a 2 q k O1\r\n12',
  'ms a 2 ME\r\n12',
  'ms a 2 ME q\r\n12',
  'ms nope 2 ME k\r\n12',
  'ms a 2 MA\r\n12',
  'ms a 2 MP\r\n12',
  'ms a 2 MR\r\n12',
  'ms nope 2 MR\r\n12',
  'ms nope 2 MA\r\n12',
  'ms a 2 MS\r\n12',
  'ms a 2 MX\r\n12',
  'ms a 2 MX Oabcdefghijklmnopqrstuvwxyz0123456\r\n12',
  'ms a 2 Oabcdefghijklmnopqrstuvwxyz0123456\r\n12',
  'ms a 2 MSS\r\n12',
  'ms a 2 !\r\n12',
  'ms a 2 q q\r\n12',
  'ms a 2 Tx\r\n12',
  'ms a 2 Fx\r\n12',
  'ms a 2 Cx\r\n12',
  'ms a 2 C999999\r\n12',
  'ms a 2 C999999 q\r\n12',
  'ms nope 2 C999999\r\n12',
  'ms a 2 T-1\r\n12',
  'ms a 2 !\r\n12345',
  'ms a 2\r\n12345',
  'ms a 2 q\r\n12345',
  'ms YQ== 2 b\r\n12',
  'ms YQ== 2 b c\r\n12',
  'ms ! 2 b\r\n12',
  `ms ${KEY_251} 2\r\n12`,
  'ms a 2 a b c d e f g h i j k l m n o p q\r\n12',
] as const;

const SINGLE: Conversation[] = LINES.map((line) => ({
  about: JSON.stringify(line.replaceAll(/k{9,}/g, ({ length }) => `k×${length}`)),
  sent: `${PRESENT}set b 0 0 0\r\n\r\nset text 0 0 4\r\nText\r\n${line}\r\ngets a nope text\r\nmn\r\n`,
}));

const big = (length: number) => 'x'.repeat(length);

const LONGER: Conversation[] = [
  {
    about: 'lines that end without CR',
    sent: 'set a 0 0 1\n1\r\nget a\ndelete a\nget a\n',
  },
  {
    about: 'the largest value of a key, and one byte more, by each verb',
    sent: STORAGE.map((verb) => {
      const version = verb === 'cas' ? ' 1' : '';
      return [1_048_516, 1_048_517]
        .map((size) => `${verb} a 0 0 ${size}${version}\r\n${big(size)}\r\nmg a s\r\n`)
        .join('');
    }).join(''),
  },
  {
    about: 'values over the limit, which also drop the old one of set and ms only',
    sent: [
      `${PRESENT}add a 0 0 1048577\r\n${big(1_048_577)}\r\nget a\r\n`,
      `set a 0 0 1048577\r\n${big(1_048_577)}\r\nget a\r\n`,
      `${PRESENT}set a 0 0 1048577 noreply\r\n${big(1_048_577)}\r\nget a\r\n`,
      `${PRESENT}ms a 1048577\r\n${big(1_048_577)}\r\nget a\r\n`,
      `${PRESENT}ms a 1048577 q\r\n${big(1_048_577)}\r\nget a\r\n`,
      `${PRESENT}ms a 1048577 !\r\n${big(1_048_577)}\r\nget a\r\n`,
      `replace a 0 0 1048577\r\n${big(1_048_577)}\r\ncas a 0 0 1048577 1\r\n${big(1_048_577)}\r\nget a\r\n`,
    ].join(''),
  },
  {
    about: 'an append beyond the limit',
    sent: `set a 0 0 1000000\r\n${big(1_000_000)}\r\nappend a 0 0 100000\r\n${big(100_000)}\r\nmg a s\r\n`,
  },
  {
    about: 'a pipeline of writes and reads of one key',
    sent: Array.from({ length: 200 }, (_, n) => {
      const value = String(n);
      return `set a ${n} 0 ${value.length}\r\n${value}\r\nget a\r\nincr a 1\r\nappend a 0 0 1 noreply\r\n0\r\nget a b a\r\n`;
    }).join(''),
  },
  {
    about: 'a pipeline of many keys, writes first',
    sent: [
      ...Array.from(
        { length: 500 },
        (_, n) => `set k${n} 0 0 ${n}${n % 3 ? ' noreply' : ''}\r\n${big(n)}\r\n`,
      ),
      ...Array.from({ length: 500 }, (_, n) => `get k${n}\r\n`),
      `get ${Array.from({ length: 500 }, (_, n) => `k${n}`).join(' ')}\r\n`,
      `gats 100 ${Array.from({ length: 100 }, (_, n) => `k${n} none${n}`).join(' ')}\r\n`,
      ...Array.from({ length: 500 }, (_, n) => `delete k${n}\r\nget k${n}\r\n`),
    ].join(''),
  },
  {
    about: 'a counter that shrinks and keeps its length',
    sent: 'set n 0 0 2\r\n10\r\ndecr n 1\r\nget n\r\nincr n 1\r\nget n\r\n',
  },
  {
    about: 'quiet meta commands in a row, ended by a no-op',
    sent: 'ms a 1 q\r\n1\r\nms b 1 q ME\r\n2\r\nmg a v q k O1\r\nmg x v q k O2\r\nmg b v q k O3\r\nmd x q\r\nmd a q\r\nmn\r\n',
  },
  {
    about: 'commands after quit',
    sent: `${PRESENT}quit\r\nget a\r\n`,
  },
];

/**
 * For nodes that are new. Of a number of 2^63 and more memcached looks for a minus sign up to the next zero
 * byte (safe_strtoull of 1.6.18), and so behind the item: one that an older item left there makes it no number.
 */
export const WRAPPING: Conversation = {
  about: 'a counter that wraps',
  sent: 'set n 0 0 20\r\n18446744073709551615\r\nincr n 2\r\nget n\r\n',
};

/** Every answer is the same to the byte. */
export const CONVERSATIONS: readonly Conversation[] = [
  ...STORAGE.flatMap(storage),
  ...SINGLE,
  ...LONGER,
];

/** A conversation in which the door and memcached 1.6.18 differ, and why. */
export interface Difference extends Conversation {
  readonly door: string;
  readonly memcached: string;
}

const BAD_FORMAT = 'CLIENT_ERROR bad command line format\r\n';

export const DIFFERENCES: readonly Difference[] = [
  {
    about: 'memcached forgets answers that have not left when a `get` has a key that is too long',
    sent: `touch a 0\r\nget a ${KEY_251}\r\nmn\r\n`,
    door: `NOT_FOUND\r\n${BAD_FORMAT}MN\r\n`,
    memcached: `${BAD_FORMAT}MN\r\n`,
  },
  {
    about: 'memcached takes control bytes in keys, which its own protocol.txt rules out',
    sent: 'set a\tb 0 0 1\r\n1\r\nget a\tb\r\n',
    door: BAD_FORMAT.repeat(2),
    memcached: 'STORED\r\nVALUE a\tb 0 1\r\n1\r\nEND\r\n',
  },
  {
    about: 'memcached 1.6.18 ends a line at a NUL, so that different keys become one',
    sent: 'set a\0b 0 0 1\r\n1\r\nset a 0 0 1\r\n2\r\nget a\0c\r\n',
    door: `${BAD_FORMAT}STORED\r\n${BAD_FORMAT}`,
    memcached: 'ERROR\r\nERROR\r\nSTORED\r\nVALUE a 0 1\r\n2\r\nEND\r\n',
  },
  {
    about: 'memcached cuts lengths to 32 bits, and then reads less than the client sends',
    sent: 'set a 0 0 4294967297\r\n1\r\n',
    door: `${BAD_FORMAT}ERROR\r\n`,
    memcached: 'STORED\r\n',
  },
  {
    about: 'memcached takes numbers with a plus sign for lengths, too',
    sent: 'set a 0 0 +1\r\n1\r\n',
    door: `${BAD_FORMAT}ERROR\r\n`,
    memcached: 'STORED\r\n',
  },
  {
    about: 'the ancient bget and what administers one node are not served',
    sent: 'bget a\r\nme a\r\nma a\r\nslabs automove 0\r\nlru_crawler tocrawl 0\r\ncache_memlimit 64\r\n',
    door: 'ERROR\r\n'.repeat(6),
    memcached: 'END\r\nEN\r\nNF\r\nOK\r\nOK\r\nOK\r\n',
  },
  {
    about: 'memcached tells a key as its item was written, not as it was asked for',
    sent: 'ms YQ== 1 b\r\n1\r\nmg a k\r\nmg YQ== b k\r\nms a 1\r\n1\r\nmg YQ== b k\r\n',
    door: 'HD\r\nHD ka\r\nHD kYQ== b\r\nHD\r\nHD kYQ== b\r\n',
    memcached: 'HD\r\nHD kYQ== b\r\nHD kYQ== b\r\nHD\r\nHD ka\r\n',
  },
  {
    about: 'a key in base64 cannot hold what a plain one cannot: placement goes by plain keys',
    sent: 'ms YSBi 1 b\r\n1\r\n',
    door: BAD_FORMAT,
    memcached: 'HD\r\n',
  },
  {
    about:
      'memcached passes over what is no base64 in a key, so that different words become one key',
    sent: 'mg YQ!== b\r\n',
    door: 'CLIENT_ERROR error decoding key\r\n',
    memcached: 'EN\r\n',
  },
  {
    about: 'a delayed flush_all would leave the nodes to forget at different times',
    sent: 'flush_all 10\r\n',
    door: 'CLIENT_ERROR flush_all takes no delay here\r\n',
    memcached: 'OK\r\n',
  },
];
