"""Every number of the protocol at the edges of 32 and 64 bits: what memcached and netd make of it.

What comes of a number is a letter, and the tables below are memcached's answers and netd's. Where they differ, one of
the servers refuses the number: netd takes none for something else than memcached does.
"""

import re
import unittest
from typing import NamedTuple

from differential_test import entries_of_protocol_md
from support import MEMCACHED, MEMCACHED_ALONE, NETD, Server, require

NUMBERS = [-2**63, -2**31 - 1, -2**31, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64]

REFUSED = 'x'
IGNORED = '-'
ERROR = re.compile(rb'CLIENT_ERROR|ERROR|MEMLIMIT_|BADCLASS|NOSPARE|SAME')
# Letters, and what they stand for in the replies to a request that is not refused and to the question after it: the
# item never expires, lives until a date, is gone, or lives for its old 1000 seconds;
EXPIRY = {IGNORED: rb'\ANS ', 'n': rb'HD t-1\b', 'l': rb'HD t\d{7,}', 'd': rb'EN\Z', REFUSED: rb'HD t\d{3,4}\b'}
# flush_all comes now or later;
FLUSH = {'d': rb'EN\Z', 'l': rb'HD\Z'}
# the number is that which was sent, or its lower 32 bits;
NUMBER = {'=': rb'(?<![-\d])%(number)d\b', 'w': rb'(?<![-\d])%(wrapped)d\b'}
# the same, where it is added to 0 without a reply;
SUM = {REFUSED: rb'VALUE a 0 1 0 ', '=': rb' %(number)d '}
# it is as great as what the item held;
DIFFERENCE = {'=': rb'\b0\Z'}
# the client is to renew the item, or not;
RENEWAL = {'w': rb'W\Z', 'a': rb'HD\Z'}
# whatever it is.
ANSWER = {'a': rb''}

ITEM = b'set a 0 1000 1\r\n1\r\n'
ZERO = b'set a 0 0 1\r\n0\r\n'

# Why they differ, as PROTOCOL.md says it.
NEGATIVE = 'An exptime from 2147483648 to 4294967295 is negative'
DIGITS = 'Numbers are nothing but digits'
FLAGS = 'Client flags outside 0..4294967295 are refused'
DELETE = '`delete` takes nothing after the key but `0` and `noreply`'
E_AND_X = '`E` and `x` are flags'
N_OF_MS = '`ms` answers `s` and creates with `N`'
FREERATIO = '`slabs automove freeratio` is accepted'
PERCENTAGES = '`lru tune` refuses every percentage above 80'


class Place(NamedTuple):
    """A request with %s for a number, <cas> for what gets has shown, and what comes of each of NUMBERS there."""
    request: bytes
    readings: dict
    netd: str
    of_1_6_45: tuple = ()  # what comes of them in memcached, and why; empty if it is the same
    of_1_6_18: tuple = ()
    before: bytes = b''
    after: bytes = b''


def stored_exptime(request, before=ITEM):
    return Place(request, EXPIRY, 'nlddlddndxxx', before=before, after=b'mg a t\r\n')


def exptime(request, before=ITEM, of_1_6_18=('nlddlddndxxx', DIGITS)):
    return Place(request, EXPIRY, 'xxddlddxxxxx', ('xxddlxxxxxxx', NEGATIVE), of_1_6_18, before, b'mg a t\r\n')


ITEM_PLACES = [
    stored_exptime(b'set a 0 %s 1\r\n2\r\n'),
    stored_exptime(b'set a 0 %s 1 noreply\r\n2\r\n'),
    stored_exptime(b'add a 0 %s 1\r\n2\r\n', before=b''),
    stored_exptime(b'replace a 0 %s 1\r\n2\r\n'),
    stored_exptime(b'cas a 0 %s 1 <cas>\r\n2\r\n', before=ITEM + b'gets a\r\n'),
    Place(b'append a 0 %s 1\r\n2\r\n', EXPIRY, 'xxxxxxxxxxxx', before=ITEM, after=b'mg a t\r\n'),
    Place(b'prepend a 0 %s 1\r\n2\r\n', EXPIRY, 'xxxxxxxxxxxx', before=ITEM, after=b'mg a t\r\n'),
    exptime(b'touch a %s\r\n'),
    exptime(b'touch a %s noreply\r\n'),
    exptime(b'gat %s a\r\n'),
    exptime(b'gats %s a\r\n'),
    exptime(b'mg a T%s\r\n'),
    exptime(b'mg a N%s\r\n', before=b''),
    exptime(b'ms a 1 T%s\r\n2\r\n'),
    exptime(b'ms a 1 MA N%s\r\n2\r\n', before=b'', of_1_6_18=('---------xxx', N_OF_MS)),
    exptime(b'md a I T%s\r\n'),
    exptime(b'md a x T%s\r\n', of_1_6_18=('xxxxxxxxxxxx', E_AND_X)),
    exptime(b'ma a T%s\r\n'),
    exptime(b'ma a N%s\r\n', before=b''),
    Place(b'flush_all %s\r\n', FLUSH, 'xxddlddxxxxx', ('xxddlxxxxxxx', NEGATIVE), ('dlddlddddxxx', DIGITS),
          before=ITEM, after=b'mg a\r\n'),
    Place(b'mg a R%s\r\n', RENEWAL, 'xxaawxxxxxxx', (), ('awaawaaaaxxx', DIGITS), before=ITEM),
    Place(b'set a %s 0 1\r\n1\r\n', NUMBER, 'xxxx===xxxxx', ('xxxx===wwwwx', FLAGS), ('xxxx===wwwwx', FLAGS),
          after=b'mg a f\r\n'),
    Place(b'ms a 1 F%s\r\n1\r\n', NUMBER, 'xxxx===xxxxx', (), ('xxxx===wwwwx', DIGITS), after=b'mg a f\r\n'),
    Place(b'md a x F%s\r\n', NUMBER, 'xxxx===xxxxx', (), ('xxxxxxxxxxxx', E_AND_X), before=ITEM, after=b'mg a f\r\n'),
    Place(b'set a 0 0 %s\r\n\r\n', NUMBER, 'xxxxxxxxxxxx', (), ('wxxxxxxwxxxx', DIGITS), after=b'mg a s\r\n'),
    Place(b'ms a %s\r\n\r\n', NUMBER, 'xxxxxxxxxxxx', (), ('wxxxxxxwxxxx', DIGITS), after=b'mg a s\r\n'),
    Place(b'cas a 0 0 1 %s\r\n2\r\n', ANSWER, 'xxxxaaaaaaax', before=ITEM),
    Place(b'ms a 1 C%s\r\n2\r\n', ANSWER, 'xxxxaaaaaaax', before=ITEM),
    Place(b'mg a C%s\r\n', ANSWER, 'xxxxaaaaaaax', before=ITEM),
    Place(b'md a C%s\r\n', ANSWER, 'xxxxaaaaaaax', before=ITEM),
    Place(b'ma a C%s\r\n', ANSWER, 'xxxxaaaaaaax', before=ITEM),
    Place(b'ms a 1 E%s\r\n2\r\n', NUMBER, 'xxxx=======x', (), ('xxxxxxxxxxxx', E_AND_X), after=b'mg a c\r\n'),
    Place(b'mg a N0 E%s\r\n', NUMBER, 'xxxx=======x', (), ('xxxxxxxxxxxx', E_AND_X), after=b'mg a c\r\n'),
    Place(b'md a I E%s\r\n', NUMBER, 'xxxx=======x', (), ('xxxxxxxxxxxx', E_AND_X), ITEM, b'mg a c\r\n'),
    Place(b'ma a E%s\r\n', NUMBER, 'xxxx=======x', (), ('xxxxxxxxxxxx', E_AND_X), ITEM, b'mg a c\r\n'),
    Place(b'incr a %s\r\n', NUMBER, 'xxxx=======x', before=ZERO),
    Place(b'incr a %s noreply\r\n', SUM, 'xxxx=======x', before=ZERO, after=b'get a\r\n'),
    Place(b'decr a %s\r\n', DIFFERENCE, 'xxxx=======x', before=b'ma a N0 J%s\r\n'),
    Place(b'ma a D%s v\r\n', NUMBER, 'xxxx=======x', before=ZERO),
    Place(b'ma a MD D%s v\r\n', DIFFERENCE, 'xxxx=======x', before=b'ma a N0 J%s\r\n'),
    Place(b'ma a N0 J%s v\r\n', NUMBER, 'xxxx=======x'),
    Place(b'delete a %s\r\n', ANSWER, 'xxxxxxxxxxxx', ('aaaaaaaaaaaa', DELETE), before=ITEM),
]

ADMINISTRATIVE_PLACES = [
    Place(b'verbosity %s\r\n', ANSWER, 'xxxxaaaxxxxx', (), ('xxxxaaaaaaax', DIGITS), after=b'verbosity 0\r\n'),
    Place(b'cache_memlimit %s\r\n', ANSWER, 'xxxxxxxxxxxx'),
    Place(b'slabs reassign %s 1\r\n', ANSWER, 'xxxxxxxxxxxx'),
    Place(b'slabs reassign 1 %s\r\n', ANSWER, 'xxxxxxxxxxxx'),
    Place(b'slabs automove %s\r\n', ANSWER, 'xxxxxxxxxxxx', (), ('xxxxxxxaxaxx', DIGITS)),
    Place(b'slabs automove window %s\r\n', ANSWER, 'xxxxxxxxxxxx'),
    Place(b'slabs automove ratio %s\r\n', ANSWER, 'aaaaaaaaaaaa'),
    Place(b'slabs automove freeratio %s\r\n', ANSWER, 'aaaaaaaaaaaa', (), ('xxxxxxxxxxxx', FREERATIO)),
    Place(b'lru tune %s 40 0.2 2.0\r\n', ANSWER, 'xxxxxxxxxxxx', ('xxxxxxaxxxxx', PERCENTAGES),
          ('xxxxxxaaaaax', DIGITS)),
    Place(b'lru tune 20 %s 0.2 2.0\r\n', ANSWER, 'xxxxxxxxxxxx', ('xxxxxxaxxxxx', PERCENTAGES),
          ('xxxxxxaaaaax', DIGITS)),
    Place(b'lru tune 20 20 %s 2.0\r\n', ANSWER, 'xxxxaaaaaaaa'),
    Place(b'lru tune 20 20 0.2 %s\r\n', ANSWER, 'xxxxaaaaaaaa'),
    Place(b'lru temp_ttl %s\r\n', ANSWER, 'xxaaaxxxxxxx', (), ('aaaaaaaaaxxx', DIGITS), after=b'lru temp_ttl -1\r\n'),
    Place(b'lru_crawler sleep %s\r\n', ANSWER, 'xxxxxxxxxxxx', (), ('xxxxxxxaxaxx', DIGITS)),
    Place(b'lru_crawler tocrawl %s\r\n', ANSWER, 'xxxxaaaxxxxx', (), ('xxxxaaaaaaax', DIGITS)),
    Place(b'lru_crawler crawl %s\r\n', ANSWER, 'xxxxxxxxxxxx'),
    Place(b'lru_crawler metadump %s\r\n', ANSWER, 'xxxxxxxxxxxx'),
    Place(b'lru_crawler mgdump %s\r\n', ANSWER, 'xxxxxxxxxxxx'),
    Place(b'stats cachedump %s 1\r\n', ANSWER, 'xxxxxxxxxxxx', (), ('xxxxxxxaxaxx', DIGITS)),
    Place(b'stats cachedump 1 %s\r\n', ANSWER, 'xxxxaaaxxxxx', (), ('xxxxaaaaaaax', DIGITS)),
]


def letter_of(server, place, number):
    """What comes of `number` in its place."""
    values = {b'number': number, b'wrapped': number % 2**32}
    with server.connect() as connection:
        shown = connection.ask(b'flush_all 0\r\n' + place.before.replace(b'%s', b'%d' % number))
        cas = b''.join(re.findall(rb'VALUE a 0 1 (\d+)', shown))
        reply = connection.ask(place.request.replace(b'%s', b'%d' % number).replace(b'<cas>', cas))
        if ERROR.match(reply):
            return REFUSED
        text = b' '.join((reply + connection.ask(place.after)).split())
    return next((letter for letter, pattern in place.readings.items() if re.search(pattern % values, text)),
                f'({text.decode()})')


def letters_of(server, place):
    return ''.join(letter_of(server, place, number) for number in NUMBERS)


class Netd(unittest.TestCase):
    def test_numbers_are_what_the_table_says(self):
        require(NETD, 'netd')
        with Server(NETD) as netd:
            for place in ITEM_PLACES + ADMINISTRATIVE_PLACES:
                with self.subTest(request=place.request):
                    self.assertEqual(place.netd, letters_of(netd, place))


class Memcached(unittest.TestCase):
    def test_numbers_of_items_are_what_the_table_says(self):
        self.check(ITEM_PLACES, *MEMCACHED_ALONE)

    def test_numbers_of_administration_are_what_the_table_says(self):
        self.check(ADMINISTRATIVE_PLACES)

    def check(self, places, *flags):
        require(MEMCACHED, 'memcached')
        with Server(MEMCACHED, *flags) as memcached:
            version = memcached.stats()['version']
            column = 'of_' + version.replace('.', '_')
            if column not in Place._fields:
                self.skipTest(f'the table does not have memcached {version}')
            for place in places:
                letters, *_ = getattr(place, column) or (place.netd,)
                with self.subTest(request=place.request):
                    self.assertEqual(letters, letters_of(memcached, place))


class Differences(unittest.TestCase):
    def test_each_is_documented_and_a_refusal_by_one_of_the_two(self):
        text = entries_of_protocol_md()
        for place in ITEM_PLACES + ADMINISTRATIVE_PLACES:
            for letters, says in filter(None, (place.of_1_6_45, place.of_1_6_18)):
                with self.subTest(request=place.request, says=says):
                    self.assertTrue(says in text)
                    self.assertNotEqual(place.netd, letters)
                    for ours, theirs in zip(place.netd, letters, strict=True):
                        self.assertTrue(ours == theirs or REFUSED in (ours, theirs) or theirs == IGNORED)


if __name__ == '__main__':
    unittest.main()
