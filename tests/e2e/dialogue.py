"""The same requests to memcached and to netd, and whether the replies say the same.

They do when they are equal byte by byte, but for what two servers cannot have in common, and for the differences in
netd/PROTOCOL.md that show in the replies alone, see TOLERATED. CAS numbers are compared by when they were first seen:
two servers agree when a number stays, changes and returns at the same moments.
"""

import base64
import re
import time
import unittest
from typing import NamedTuple

from support import MEMCACHED, MEMCACHED_ALONE, NETD, Server, require

# Room enough never to evict.
MEMCACHED_FLAGS = ('-m', '1024', *MEMCACHED_ALONE)

# In a request: the last CAS number that was seen of a key.
CAS_OF_KEY = re.compile(rb'<cas:([^> \r\n]+)>')
CAS_OF_KEY_BEGIN = b'<'
UNSEEN_CAS = b'4000000000'

# What differs in the replies all the same, and how an entry of PROTOCOL.md says so.
TOLERATED = {
    'idle': '`h` and `l` become exact once a client asks for them.',
    'padding': 'The result of `decr` is stored without padding.',
    'ticks': 'A TTL of n lasts n seconds to the millisecond.',
    'debug': "memcached's six names, then netd's own",
    'exp': '`exp` of `me` is the seconds left',
}

# memcached's clock ticks once a second, netd's once a millisecond. Besides, one server may be asked as much later as the
# stream has lasted, on a machine that stands still meanwhile.
TICKS_APART_S = 2


class Unit(NamedTuple):
    """A line of a reply, cut at its spaces, and the value that follows it."""
    tokens: list
    value: bytes = None

    def data(self):
        return b' '.join(self.tokens) + (self.value or b'')

    def is_meta(self):
        return self.tokens[0] in (b'HD', b'VA', b'EN', b'NF', b'NS', b'EX')


VALUE_BYTES = re.compile(rb'VA (\d+)|VALUE [^ \n]+ \d+ (\d+)')


def units_of(reply):
    units = []
    while reply:
        line, end, reply = reply.partition(b'\n')
        tokens = (line + end).split(b' ')
        if match := VALUE_BYTES.match(line):
            value_bytes = int(match[1] or match[2]) + len(b'\r\n')
            value, reply = reply[:value_bytes], reply[value_bytes:]
            units.append(Unit(tokens, value))
        else:
            units.append(Unit(tokens))
    return units


class CasNumbers:
    """The numbers one server has given, by when they were first seen and by the key they belong to."""

    def __init__(self):
        self.ordinals = {}
        self.last_of_key = {}

    def fill_in(self, request):
        return CAS_OF_KEY.sub(lambda match: self.last_of_key.get(match[1], UNSEEN_CAS), request)

    def replace(self, unit):
        """The unit with its number as an ordinal, which the number's key is remembered with."""
        tokens = unit.tokens
        if tokens[0] == b'VALUE' and len(tokens) == 5:
            return Unit([*tokens[:4], self._seen(tokens[1], tokens[4].rstrip(b'\r\n')) + b'\r\n'], unit.value)
        if tokens[0] == b'ME':
            return Unit([re.sub(rb'\Acas=(\d+)', lambda match: b'cas=' + self._seen(tokens[1], match[1]), token)
                         for token in tokens], unit.value)
        if not unit.is_meta():
            return unit
        key = meta_key(tokens)
        return Unit([re.sub(rb'\Ac(\d+)', lambda match: b'c' + self._seen(key, match[1]), token) for token in tokens],
                    unit.value)

    def _seen(self, key, number):
        if number == b'0':
            return number
        self.last_of_key[key] = number
        return b'#%d' % self.ordinals.setdefault(number, len(self.ordinals))


def meta_key(tokens):
    tokens = [token.rstrip(b'\r\n') for token in tokens]
    key = next((token[1:] for token in tokens[1:] if token.startswith(b'k')), None)
    if key is not None and b'b' in tokens[1:]:
        return base64.b64decode(key)
    return key


class Dialogue:
    """A connection to one of the servers, whose cache is empty at the beginning."""

    def __init__(self, server):
        self.name = server.name
        self.connection = server.connect()
        self.connection.ask(b'flush_all\r\n')
        self.cas_numbers = CasNumbers()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, request, cuts=()):
        """The reply to `request`, sent in pieces cut at the given shares of its length."""
        request = self.cas_numbers.fill_in(request)
        positions = [0, *sorted(int(cut * len(request)) for cut in cuts), len(request)]
        try:
            if cuts:
                self.connection.send_in_pieces(request[start:end] for start, end in zip(positions, positions[1:]))
                return self.connection.ask(b'')
            return self.connection.ask(request)
        except (AssertionError, OSError) as error:
            return f'({self.name}: {error})'.encode()


class DifferentialTestCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        require(NETD, 'netd')
        require(MEMCACHED, 'memcached')
        cls.memcached = cls.enterClassContext(Server(MEMCACHED, *MEMCACHED_FLAGS))
        cls.netd = cls.enterClassContext(Server(NETD))


class Comparison:
    """Both servers asked the same, on a connection each."""

    def __init__(self, memcached, netd):
        self.dialogues = Dialogue(memcached), Dialogue(netd)
        self.started_s = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for dialogue in self.dialogues:
            dialogue.__exit__()

    def difference(self, request, cuts=(), is_history_exact=False):
        """None if the replies say the same; otherwise both from where they do not, memcached's first."""
        replies = [dialogue.ask(request, cuts) for dialogue in self.dialogues]
        units = [[dialogue.cas_numbers.replace(unit) for unit in units_of(reply)]
                 for dialogue, reply in zip(self.dialogues, replies)]
        elapsed_s = time.monotonic() - self.started_s
        same = 0
        while same < min(map(len, units)) and same_unit(*(server[same] for server in units), elapsed_s,
                                                        is_history_exact):
            same += 1
        rests = tuple(b''.join(map(Unit.data, server[same:])) for server in units)
        return rests if any(rests) else None


def same_unit(memcached, netd, elapsed_s, is_history_exact):
    if memcached == netd:
        return True
    if memcached.tokens[0] == netd.tokens[0] == b'ME':
        return same_debug_line(memcached.tokens, netd.tokens, elapsed_s)
    is_padded = is_padded_number(memcached.value, netd.value)
    if len(memcached.tokens) != len(netd.tokens) or not (is_padded or memcached.value == netd.value):
        return False
    return all(theirs == ours
               or is_padded and is_length(index, theirs, netd.tokens[0])
               or netd.is_meta() and same_meta_token(theirs, ours, elapsed_s, is_history_exact)
               for index, (theirs, ours) in enumerate(zip(memcached.tokens, netd.tokens)))


def is_padded_number(memcached, netd):
    """TOLERATED['padding']: the same digits, with spaces behind them in memcached."""
    if memcached is None or netd is None:
        return False
    number = netd.removesuffix(b'\r\n')
    return number.isdigit() and re.fullmatch(re.escape(number) + rb' +\r\n', memcached) is not None


def is_length(index, token, code):
    return index == (3 if code == b'VALUE' else 1) or token.startswith(b's')


def same_meta_token(memcached, netd, elapsed_s, is_history_exact):
    """Of equal meaning: times that go on while one server is asked and the other is not, and what is TOLERATED."""
    theirs, ours = (re.fullmatch(rb'([thl])(-?\d+)((?:\r\n)?)', token) for token in (memcached, netd))
    if not theirs or not ours or (theirs[1], theirs[3]) != (ours[1], ours[3]):
        return False
    numbers = int(theirs[2]), int(ours[2])
    if ours[1] == b't':
        return min(numbers) >= 0 and abs(numbers[0] - numbers[1]) <= elapsed_s + TICKS_APART_S
    if ours[1] == b'h':
        return not is_history_exact and set(numbers) == {0, 1}
    return min(numbers) >= 0 and max(numbers) <= elapsed_s + TICKS_APART_S


def same_debug_line(memcached, netd, elapsed_s):
    """TOLERATED['debug'] and ['exp']: key, expiry and CAS number are the same, the rest is each server's own."""
    if len(memcached) != 8 or len(netd) < 9:
        return False
    names = [[token.partition(b'=')[0] for token in tokens[2:8]] for tokens in (memcached, netd)]
    exps = [int(tokens[2].removeprefix(b'exp=')) for tokens in (memcached, netd)]
    is_exp_equal = exps == [-1, -1] or abs(exps[0] + exps[1]) <= elapsed_s + TICKS_APART_S
    return (memcached[1], memcached[4], *names[0][:5]) == (netd[1], netd[4], *names[1][:5]) and is_exp_equal
