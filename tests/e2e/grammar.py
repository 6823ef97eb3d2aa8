"""Random requests of the classic and of the meta protocol: well-formed ones, malformed ones, and damaged ones."""

import base64

from known_differences import COUNTER_KEYS, RECACHE_TIMES
from vectors import KEY_250, KEY_251, U64_MAX

TEXT_KEYS = [b't0', b't1', b't2', b't\xc3\xa9\t', KEY_250]
# Lines that are short enough, should they be taken for commands.
TOO_LARGE = b'get t0\r\n' + (b'x' * 2000 + b'\r\n') * 550
KEYS = [*TEXT_KEYS, *COUNTER_KEYS]


class Grammar:
    def __init__(self, rng):
        self.rng = rng

    def stream(self):
        """Batches of requests that are sent without waiting for replies, and where to cut them into packets."""
        return [(self.batch(), [self.rng.random() for _ in range(self.one_of(0, 0, 1, 1, 3))]) for _ in range(12)]

    def batch(self):
        return b''.join(self.request() for _ in range(self.one_of(1, 2, 4, 8)))

    def request(self):
        make = self.rng.choices(
            [self.retrieval, self.store, self.cas, self.count, self.touch, self.delete, self.flush, self.verbosity,
             self.meta_get, self.meta_store, self.meta_delete, self.meta_arithmetic, self.meta_other, self.malformed],
            [6, 6, 2, 4, 2, 2, 0.3, 0.3, 8, 6, 3, 4, 1, 2])[0]
        request = make()
        is_damaged = self.rng.random() < 0.2 and len(request) < len(TOO_LARGE)
        return self.damaged(request) if is_damaged else request

    # Classic commands

    def retrieval(self):
        verb = self.one_of(b'get', b'gets', b'gets', b'gat %s' % self.exptime(), b'gats %s' % self.exptime())
        key_count = self.one_of(1, 1, 2, 5, 5 if verb.startswith(b'gat') else 30)
        return self.line(verb, *[self.key() for _ in range(key_count)])

    def store(self):
        key = self.key()
        verbs = [b'set', b'set', b'add', b'replace']
        return self.with_data(key, self.one_of(*verbs, *([] if key in COUNTER_KEYS else [b'append', b'prepend'])))

    def cas(self):
        key = self.key()
        return self.with_data(key, b'cas', self.one_of(self.cas_number(key), self.cas_number(self.key())))

    def count(self):
        return self.line(self.one_of(b'incr', b'decr'), self.counted_key(), self.delta(), self.noreply())

    def touch(self):
        return self.line(b'touch', self.key(), self.exptime(), self.noreply())

    def delete(self):
        return self.line(b'delete', self.key(), self.one_of(b'', b'', b'0'), self.noreply())

    def flush(self):
        return self.line(b'flush_all', self.one_of(b'', b'0', b'-1'), self.noreply())

    def verbosity(self):
        return self.line(b'verbosity', self.one_of(b'0', b'x', b'-1'), self.noreply())

    # Meta commands

    def meta_get(self):
        return self.meta(b'mg', self.key(), b'v', b'v', b's', b't', b'c k', b'f', b'h', b'l', b'u', b'k', b'I', b'MS',
                         b'T' + self.exptime(), b'N' + self.exptime(), b'R' + self.recache_time())

    def meta_store(self):
        key = self.key()
        data = self.data(key)
        modes = [b'MS', b'ME', b'MR', *([] if key in COUNTER_KEYS else [b'MA', b'MP'])]
        flags = [self.one_of(*modes), self.one_of(*modes), b'F' + self.client_flags(), b'T' + self.exptime(), b'c k',
                 b'I', b'C' + self.cas_number(key), b'I C' + self.cas_number(key), b't', b'v', b'f']
        return self.meta(b'ms', key, *flags, data=data)

    def meta_delete(self):
        key = self.key()
        return self.meta(b'md', key, b'I', b'I', b'T' + self.exptime(), b'C' + self.cas_number(key), b'v', b'k')

    def meta_arithmetic(self):
        key = self.counted_key()
        return self.meta(b'ma', key, b'v', b'v', b'c k', b't', b'D' + self.delta(), b'J' + self.delta(),
                         b'N' + self.exptime(), b'C' + self.cas_number(key),
                         b'M' + self.one_of(b'I', b'+', b'D', b'-', b'i'))

    def meta_other(self):
        return self.line(self.one_of(b'mn', b'me ' + self.key(), b'mx', b'me %s k' % self.key(), b'mn x'))

    def meta(self, verb, key, *flags, data=None):
        """Some of the flags, each letter once and in any order, and of those that all commands take."""
        flags = [*flags, b'q', b'k', b'O' + self.opaque(), self.one_of(b'L', b'P', b'Lx', b'P0')]
        chosen = [token for flag in self.rng.sample(flags, self.rng.randrange(6)) for token in flag.split(b' ')]
        if self.rng.random() < 0.25:
            key, chosen = base64.b64encode(key), [*chosen, b'b']
        self.rng.shuffle(chosen)
        unique = list({flag[:1]: flag for flag in chosen}.values())
        if data is None:
            return self.line(verb, key, *unique)
        return self.line(verb, key, b'%d' % len(data), *unique) + data + b'\r\n'

    # What is not as it should be

    def malformed(self):
        key, junk = self.one_of(*TEXT_KEYS), self.one_of(b'junk', b'JUNK junk', b'GET t0', b'sett 0', b'mz', b'\r\r')
        return self.one_of(
            junk + b'\r\n',
            # The two bytes behind the data are no CR LF; what follows them is a command.
            b'set %s 0 0 3%s\r\nabcde%s\r\n' % (key, self.one_of(b'', b' noreply'), junk),
            b'ms %s 3%s\r\nabcde%s\r\n' % (key, self.one_of(b'', b' q', b' MA'), junk),
            b'set %s 0 0 4\r\nabcd\njunk\r\n' % key,
            # No length is known: the data is a command.
            b'set %s 0 0 %s\r\n%s\r\n' % (key, self.one_of(b'x', b'-1', b'1x', b'2147483646'), junk),
            b'ms %s %s\r\n%s\r\n' % (key, self.one_of(b'x', b'-1', b'1x', b'2147483646', b'S2'), junk),
            b'incr %s %s\r\n' % (self.key(), self.one_of(b'x', b'-1', b'1x', b'18446744073709551616')),
            b'touch %s %s\r\n' % (self.key(), self.one_of(b'x', b'1x', b'-')),
            b'gat %s %s\r\n' % (self.one_of(b'x', b'1x'), self.key()),
            b'mg %s %s\r\n' % (key, self.one_of(b'v v', b'S', b'Tx', b'Tx v v', b'N', b'C-1', b'O' + b'x' * 32, b'5')),
            b'ms %s 2 %s\r\nhi\r\n' % (key, self.one_of(b'q q', b'S', b'Tx', b'MI', b'F-1', b'O' + b'x' * 32,
                                                        b'F-1 O' + b'x' * 32, b'MI O' + b'x' * 32)),
            b'ma %s %s\r\n' % (key, self.one_of(b'q q', b'S', b'Tx', b'Mx', b'Dx', b'D-1', b'J')),
            b'flush_all x\r\n',
            # Too long a key.
            b'%s %s %s\r\n' % (self.one_of(b'get', b'gets', b'gat 0'), self.key(), KEY_251),
            b'%s %s\r\n' % (self.one_of(b'delete', b'incr', b'touch'), KEY_251 + b' 0'),
            b'%s %s\r\n' % (self.one_of(b'mg', b'md', b'me'), KEY_251),
            # Above the limit of a value: the old item goes, or stays, as it was.
            b'%s %s 0 0 %d\r\n' % (self.one_of(b'set', b'add', b'append'), key, len(TOO_LARGE)) + TOO_LARGE + b'\r\n',
            b'ms %s %d\r\n' % (key, len(TOO_LARGE)) + TOO_LARGE + b'\r\n')

    def damaged(self, request):
        """With some bytes or tokens of its first line changed, doubled, moved or lost."""
        for _ in range(self.one_of(1, 1, 2)):
            line, end, data = request.partition(b'\r\n')
            request = self.one_of(self.changed_byte, self.lost_bytes, self.doubled_bytes, self.changed_tokens,
                                  self.changed_tokens)(line) + self.one_of(*[end] * 8, b'\n', b'\r', b'\r\r\n') + data
        return request

    def changed_byte(self, line):
        place = self.rng.randrange(len(line) + 1)
        byte = self.one_of(b'\0', b'\r', b'\n', b' ', b'\t', b'-', b'+', b'0', b'9', b'\x80',
                            bytes([self.rng.randrange(256)]))
        return line[:place] + byte + line[place + self.one_of(0, 1):]

    def lost_bytes(self, line):
        start = self.rng.randrange(len(line) + 1)
        return line[:start] + line[start + self.one_of(1, 1, 2, 1000):]

    def doubled_bytes(self, line):
        start = self.rng.randrange(len(line) + 1)
        return line[:start] + line[start:start + self.one_of(1, 3, 9)] * self.one_of(2, 2, 30) + line[start:]

    def changed_tokens(self, line):
        tokens = line.split(b' ')
        place = self.rng.randrange(len(tokens))
        change = self.rng.randrange(5)
        if change == 0:
            tokens.insert(place, self.one_of(*tokens))
        elif change == 1:
            del tokens[place]
        elif change == 2:
            tokens[place] = self.one_of(b'', b'0', b'-1', b'noreply', b'q', b'b', b'k', KEY_251, U64_MAX, b'9' * 30)
        elif change == 3:
            tokens[place:place] = [self.one_of(b'v', b'x', b'noreply', b't0')] * 25
        else:
            self.rng.shuffle(tokens)
        return b' '.join(tokens)

    # Words

    def one_of(self, *choices):
        return self.rng.choice(choices)

    def key(self):
        return self.one_of(*KEYS)

    def counted_key(self):
        return self.one_of(*COUNTER_KEYS, *COUNTER_KEYS, *TEXT_KEYS)

    def cas_number(self, key):
        last = b'<cas:%s>' % key
        return self.one_of(last, last, last, b'0', U64_MAX)

    def delta(self):
        return self.one_of(b'0', b'1', b'10', b'%d' % self.rng.getrandbits(64), U64_MAX)

    def with_data(self, key, verb, cas=b''):
        data = self.data(key)
        return self.line(verb, key, self.client_flags(), self.exptime(), b'%d' % len(data), cas,
                         self.noreply()) + data + b'\r\n'

    def data(self, key):
        return self.number() if key in COUNTER_KEYS else self.text()

    def number(self):
        return self.one_of(b'0', b'9', b'10', b'100', b'007', U64_MAX, b'%d' % self.rng.getrandbits(64), b'abc', b'',
                           b'1.5', b'+1', b'18446744073709551616', b' 5', b'5 ')

    def text(self):
        return self.one_of(b'', b'x', b'abc\r\nget t0\r\n', b'END\r\n', b'x\0\xff', b'word ' * self.rng.randrange(100),
                           b'mg t0 v\r\n', b'y' * self.rng.randrange(3000),
                           b'z' * self.rng.randrange(200000) if self.rng.random() < 0.1 else b'zz')

    def client_flags(self):
        return self.one_of(b'0', b'1', b'65536', b'4294967295', b'%d' % self.rng.getrandbits(32))

    def exptime(self):
        return self.one_of(b'0', b'0', b'0', b'1000', b'5000', b'2592000', b'2592001', b'2147483647', b'2147483648',
                           b'4294967295', b'-1')

    def recache_time(self):
        return self.one_of(*RECACHE_TIMES)

    def opaque(self):
        return self.one_of(b'', b'1', b'abc', b'x' * 31, b'c7', b'\xff!')

    def noreply(self):
        return self.one_of(b'', b'', b'', b'', b'noreply')

    def line(self, *tokens):
        """The tokens that are not empty, between as many spaces as there may be, and one of the two line ends."""
        space, trailing = self.one_of(b' ', b' ', b' ', b'  '), self.one_of(b'', b'', b'', b' ')
        return space.join(filter(None, tokens)) + trailing + self.one_of(b'\r\n', b'\r\n', b'\n')
