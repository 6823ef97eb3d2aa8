"""The same bytes to memcached and to netd: the replies are equal, or the difference is listed below with its reason.

CAS numbers are compared by when they were first seen, not by value: two servers agree when a number stays, changes and
returns at the same moments.

DIFF_SEED repeats a run of the random streams; DIFF_ROUNDS says how many streams there are.
"""

import os
import random
import re
import time
import unittest

from support import MEMCACHED, NETD, Server, require
from vectors import (BAD_CHUNK, BAD_DELTA, BAD_EXPTIME, BAD_FORMAT, END, ERROR, EXISTS, KEY_250, KEY_251, STORED,
                     TOUCHED, U64_MAX, VECTORS, value)

SEED = int(os.environ.get('DIFF_SEED') or random.SystemRandom().randrange(1 << 32))
ROUNDS = int(os.environ.get('DIFF_ROUNDS') or 60)
SHRINKING_S = 60

# No background threads that could hold an item's lock while flush_all passes by.
MEMCACHED_FLAGS = ('-o', 'no_lru_crawler,no_lru_maintainer')

# Where Debian's memcached 1.6.18 and netd differ: reason -> {the vector's sentence: memcached's reply}.
# "older": 1.6.18 is behind; memcached 1.6.45 answers as netd does.
DIFFERENCES = {
    'older: a short line is an unknown command': {
        'an empty line is malformed': ERROR,
        'a lone LF is malformed': ERROR,
        'a line of three octets is malformed': ERROR,
        'a line of three octets is malformed, also of a known command': b'MN\r\n',
        'an unknown length leaves the data to be executed': BAD_FORMAT + ERROR,
        'data that is one octet too long is a bad data chunk': BAD_CHUNK + ERROR + END,
    },
    'older: too few tokens are an unknown command': {
        **{f"'{line}' has too few tokens": ERROR
           for line in ['get', 'gets', 'gat', 'gats', 'set', 'set a', 'set a 0', 'set a 0 0', 'add a 0 0',
                        'replace a 0 0', 'append a 0 0', 'prepend a 0 0', 'cas a 0 0', 'incr', 'incr a', 'decr',
                        'decr a', 'touch', 'touch a', 'delete', 'verbosity']},
        'spaces are no token': ERROR * 2,
    },
    'older: gat without keys finds none of them': {
        "'gat 0' has too few tokens": END,
        "'gats 0' has too few tokens": END,
    },
    'older: the data of a malformed store is executed': {
        'negative flags are refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'flags that are no number are refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'flags with something behind the number are refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'an exptime that is no number is refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'a cas number above 64 bit is refused and the data swallowed': STORED + BAD_FORMAT + ERROR,
        'cas without a number is malformed and the data swallowed': STORED + ERROR * 2 + value(b'a', b'1') + END,
        'cas with a number that is none is malformed and the data swallowed': BAD_FORMAT + ERROR,
        **{f'{command} refuses a key of 251 octets and swallows the data': BAD_FORMAT + ERROR
           for command in ['set', 'add', 'replace', 'append', 'prepend', 'cas']},
    },
    'older: further tokens are an error': {
        'noreply must be the last token, not the next': ERROR * 2 + END,
        'noreply before another token is no noreply': STORED + ERROR,
        'cas ignores what follows the number': ERROR * 2,
        'delete refuses a line of five tokens or more': STORED + ERROR * 2 + value(b'a', b'1') + END,
    },
    'older: noreply silences a bad length': {
        'a bad length is told with noreply, too': b'',
    },
    'older: a NUL ends a line': {
        'a key may hold a NUL': ERROR * 2 + END * 2,
    },
    'older: an error in get takes back the replies to earlier requests of the same packet': {
        f'{command} with a key of 251 octets anywhere returns nothing else': BAD_FORMAT
        for command in ['get', 'gets', 'gat 0', 'gats 0']
    },
    'older: numbers may have signs and any length, and wrap': {
        'the exptime of touch is a strict number': STORED + TOUCHED * 2 + BAD_EXPTIME * 2 + END,
        'the exptime of gat is a strict number':
            STORED + value(b'a', b'1') + END + b'VALUE a 0 1 (cas 0)\r\n1\r\n' + END + BAD_EXPTIME * 2 + END,
        'a length of 12 characters is refused and the data executed': STORED,
        'a length with a plus sign is refused and the data executed': STORED,
        'a length of 4294967296 is refused and the data executed': BAD_CHUNK + ERROR,
        'a cas number of 23 characters is refused and the data swallowed': STORED + EXISTS,
        'a cas number with a sign is refused and the data swallowed': STORED + EXISTS * 2,
        'a delta of 23 characters is refused': STORED + b'2\r\n',
        'a delta with a sign is refused': STORED + BAD_DELTA + b'2\r\n' * 2,
    },
    'netd refuses what does not fit instead of cutting it off': {
        'flags above 32 bit are refused and the data swallowed': STORED + value(b'a', b'1') + END,
        'a huge exptime is far in the future': STORED + END,
    },
    'netd stores the number as it is, memcached fills it up with spaces': {
        'a shorter number is stored without padding': STORED + b'9\r\n' + value(b'a', b'9 ') + END,
    },
    'netd takes a value for a number only as a whole': {
        'two numbers is no number': STORED + b'2\r\n1\r\n' + value(b'a', b'1  ') + END,
    },
}

# Where they differ, too, and what the random streams therefore do not contain:
#   a value within 100 octets of the limit   netd counts the value alone, memcached also its header
#   TTLs that end during the run             memcached's clock ticks once a second
#   flush_all with a delay                   memcached brings back what an earlier flush_all took
#   spaces before a command                  netd takes them for an empty command word
#   lines above 2048 octets                  netd says that they are too long before it closes, and takes them from gat
#   a value of spaces alone to incr          memcached reads beyond the value
# and what the comparison does not see:
#   spaces behind the numbers of counters    see DIFFERENCES


class Dialogue:
    """A connection to one of the servers that makes its CAS numbers comparable."""

    VALUE_LINE = re.compile(rb'VALUE ([^ ]+) (\d+) (\d+)(?: (\d+))?\r\n')
    UNSEEN_CAS = b'4000000000'

    def __init__(self, server):
        self.name = server.name
        self.connection = server.connect()
        self.connection.ask(b'flush_all\r\n')
        self.ordinal_of_cas = {}
        self.last_cas_of_key = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, request, cuts=()):
        """The comparable reply to `request`, sent in pieces cut at the given shares of its length."""
        request = re.sub(rb'<cas ([^>]+)>', lambda match: self.last_cas_of_key.get(match[1], self.UNSEEN_CAS), request)
        positions = [0, *sorted(int(cut * len(request)) for cut in cuts), len(request)]
        try:
            self.connection.send_in_pieces(request[start:end] for start, end in zip(positions, positions[1:]))
            return self._comparable(self.connection.ask(b''))
        except (AssertionError, OSError) as error:
            return f'({self.name}: {error})'.encode()

    def _comparable(self, reply):
        comparable = []
        while reply:
            match = self.VALUE_LINE.match(reply)
            if not match:
                line, end, reply = reply.partition(b'\n')
                comparable.append(line + end)
                continue
            key, flags, length, cas = match.groups()
            data, reply = reply[match.end():match.end() + int(length)], reply[match.end() + int(length):]
            if is_counter(key):
                data = data.rstrip(b' ')
            if cas:
                self.last_cas_of_key[key] = cas
                ordinal = self.ordinal_of_cas.setdefault(cas, len(self.ordinal_of_cas))
                cas = b' (cas %d)' % ordinal
            comparable.append(b'VALUE %s %s %d%s\r\n%s' % (key, flags, len(data), cas or b'', data))
        return b''.join(comparable)


class DifferentialTestCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        require(NETD, 'netd')
        require(MEMCACHED, 'memcached')
        cls.memcached = cls.enterClassContext(Server(MEMCACHED, *MEMCACHED_FLAGS))
        cls.netd = cls.enterClassContext(Server(NETD))


class VectorsOnBoth(DifferentialTestCase):
    def test_the_vectors_get_the_same_replies_but_for_the_differences_listed(self):
        listed = {says: reply for replies in DIFFERENCES.values() for says, reply in replies.items()}
        for vector in VECTORS:
            with self.subTest(rule=vector.rule, says=vector.says, request=vector.request[:200]):
                with Dialogue(self.memcached) as memcached, Dialogue(self.netd) as netd:
                    reply_of_memcached, reply_of_netd = memcached.ask(vector.request), netd.ask(vector.request)
                if vector.says in listed:
                    self.assertEqual(listed.pop(vector.says), reply_of_memcached)
                    self.assertNotEqual(reply_of_memcached, reply_of_netd, 'this is no difference any more')
                else:
                    self.assertEqual(reply_of_memcached, reply_of_netd)
        self.assertEqual({}, listed, 'differences without a vector')


# Values of text keys never begin with anything numeric, so that no append or prepend makes a number of them, which
# memcached would fill up with spaces when it counts.
TEXT_KEYS = [b't0', b't1', b't2', b't\xc3\xa9\t', KEY_250]
COUNTER_KEYS = [b'n0', b'n1']


def is_counter(key):
    return key in COUNTER_KEYS


class Generator:
    """Makes requests whose replies should be the same from both servers."""

    def __init__(self, rng):
        self.rng = rng

    def stream(self):
        return [self.batch() for _ in range(25)]

    def batch(self):
        """Requests that are sent without waiting for replies, and where to cut them into packets."""
        if self.rng.random() < 0.03:
            # Alone, see 'an error in get takes back the replies'.
            requests = [b'%s %s %s\r\n' % (self.one_of(b'get', b'gets', b'gat 0'), self.key(), KEY_251)]
        else:
            requests = [self.request() for _ in range(self.rng.choice([1, 2, 3, 8]))]
        return requests, [self.rng.random() for _ in range(self.rng.choice([0, 0, 1, 1, 3]))]

    def request(self):
        make = self.rng.choices(
            [self.retrieval, self.store, self.cas, self.count, self.touch, self.delete, self.flush, self.malformed],
            [8, 8, 3, 5, 2, 2, 0.3, 3])[0]
        return make()

    def one_of(self, *choices):
        return self.rng.choice(choices)

    def key(self):
        return self.one_of(*TEXT_KEYS, *COUNTER_KEYS)

    def retrieval(self):
        verb = self.one_of(b'get', b'gets', b'gets', b'gat %s' % self.exptime(), b'gats %s' % self.exptime())
        key_count = self.one_of(1, 1, 2, 5, 5 if verb.startswith(b'gat') else 30)
        return self.line(verb, b' '.join(self.key() for _ in range(key_count)))

    def store(self):
        key = self.key()
        verbs = [b'set', b'set', b'add', b'replace']
        verb = self.one_of(*verbs) if is_counter(key) else self.one_of(*verbs, b'append', b'prepend')
        return self.with_data(key, verb)

    def cas(self):
        key = self.key()
        last, of_another = b'<cas %s>' % key, b'<cas %s>' % self.key()
        return self.with_data(key, b'cas', self.one_of(last, last, of_another, b'0', U64_MAX))

    def count(self):
        delta = self.one_of(b'0', b'1', b'10', b'%d' % self.rng.getrandbits(64), U64_MAX)
        key = self.one_of(*COUNTER_KEYS, *COUNTER_KEYS, *TEXT_KEYS)
        return self.line(self.one_of(b'incr', b'decr'), key, delta, self.noreply())

    def touch(self):
        return self.line(b'touch', self.key(), self.exptime(), self.noreply())

    def delete(self):
        return self.line(b'delete', self.key(), self.one_of(b'', b'', b'0'), self.noreply())

    def flush(self):
        return self.line(b'flush_all', self.one_of(b'', b'0', b'-1'), self.noreply())

    def malformed(self):
        key, junk = self.one_of(*TEXT_KEYS), self.one_of(b'junk', b'JUNK junk', b'GET t0', b'sett 0')
        return self.one_of(
            junk + b'\r\n',
            # The two octets behind the data are no CR LF; what follows them is a command.
            b'set %s 0 0 3%s\r\nabcde%s\r\n' % (key, self.one_of(b'', b' noreply'), junk),
            b'set %s 0 0 4\r\nabcd\njunk\r\n' % key,
            # No length is known: the data is a command.
            b'set %s 0 0 %s\r\n%s\r\n' % (key, self.one_of(b'x', b'-1', b'1x', b'2147483646'), junk),
            b'incr %s %s\r\n' % (self.key(), self.one_of(b'x', b'-1', b'1x', b'18446744073709551616')),
            b'touch %s %s\r\n' % (self.key(), self.one_of(b'x', b'1x', b'-')),
            b'gat %s %s\r\n' % (self.one_of(b'x', b'1x'), self.key()),
            b'flush_all x\r\n',
            b'%s %s\r\n' % (self.one_of(b'delete', b'incr', b'touch'), KEY_251 + b' 0'),
            # Above the limit of a value: the old item goes, or stays, as it was.
            b'%s %s 0 0 1100000\r\n%s\r\n' % (self.one_of(b'set', b'add', b'append'), key, b'get t0\r\n' * 137500))

    def with_data(self, key, verb, cas=b''):
        data = self.number() if is_counter(key) else self.text()
        flags = self.one_of(b'0', b'1', b'65536', b'4294967295', b'%d' % self.rng.getrandbits(32))
        return self.line(verb, key, flags, self.exptime(), b'%d' % len(data), cas, self.noreply()) + data + b'\r\n'

    def number(self):
        return self.one_of(b'0', b'9', b'10', b'100', b'007', U64_MAX, b'%d' % self.rng.getrandbits(64), b'abc', b'',
                           b'-1', b'1.5', b'18446744073709551616')

    def text(self):
        return self.one_of(b'', b'x', b'abc\r\nget t0\r\n', b'END\r\n', b'x\0\xff', b'word ' * self.rng.randrange(100),
                           b'y' * self.rng.randrange(20000), b'z' * self.rng.randrange(500000))

    def exptime(self):
        return self.one_of(b'0', b'0', b'0', b'1000', b'2592000', b'2592001', b'2147483647', b'-1')

    def noreply(self):
        return self.one_of(b'', b'', b'', b'', b'noreply')

    def line(self, *tokens):
        """The tokens that are not empty, between as many spaces as there may be, and one of the two line ends."""
        space, trailing = self.one_of(b' ', b' ', b' ', b'  '), self.one_of(b'', b'', b'', b' ')
        return space.join(filter(None, tokens)) + trailing + self.one_of(b'\r\n', b'\r\n', b'\n')


class RandomStreams(DifferentialTestCase):
    def test_random_streams_get_the_same_replies(self):
        print(f'DIFF_SEED={SEED} DIFF_ROUNDS={ROUNDS}', flush=True)
        for round_number in range(ROUNDS):
            stream = Generator(random.Random(f'{SEED} {round_number}')).stream()
            if difference := self.first_difference(stream):
                self.fail(self.describe(*self.shrink(stream, difference), f'DIFF_SEED={SEED}, round {round_number}'))

    def first_difference(self, stream):
        """The number of the first batch that is answered differently, and both replies."""
        with Dialogue(self.memcached) as memcached, Dialogue(self.netd) as netd:
            for number, (requests, cuts) in enumerate(stream):
                request = b''.join(requests)
                reply_of_memcached, reply_of_netd = memcached.ask(request, cuts), netd.ask(request, cuts)
                if reply_of_memcached != reply_of_netd:
                    return number, reply_of_memcached, reply_of_netd
        return None

    def shrink(self, stream, difference):
        """The stream up to its first difference, without the requests that a difference does not need."""
        stream = stream[:difference[0] + 1]
        deadline = time.monotonic() + SHRINKING_S
        for candidate_of in [without_batch, without_request]:
            position = 0
            while time.monotonic() < deadline and (candidate := candidate_of(stream, position)) is not None:
                if remaining := self.first_difference(candidate):
                    stream, difference = candidate[:remaining[0] + 1], remaining
                else:
                    position += 1
        return stream, difference

    def describe(self, stream, difference, where):
        _, reply_of_memcached, reply_of_netd = difference
        sent = '\n'.join(f'    {shortened(b"".join(requests))} in {len(cuts) + 1} pieces' for requests, cuts in stream)
        return (f'{where}: after\n{sent}\n  memcached answers\n    {shortened(reply_of_memcached)}\n  netd answers\n'
                f'    {shortened(reply_of_netd)}')


def without_batch(stream, position):
    return stream[:position] + stream[position + 1:] if position < len(stream) else None


def without_request(stream, position):
    for number, (requests, cuts) in enumerate(stream):
        if position < len(requests):
            return [*stream[:number], (requests[:position] + requests[position + 1:], cuts), *stream[number + 1:]]
        position -= len(requests)
    return None


def shortened(octets):
    return repr(octets) if len(octets) < 1000 else f'{octets[:500]!r} … {octets[-500:]!r}'


if __name__ == '__main__':
    unittest.main()
