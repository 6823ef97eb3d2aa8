"""The meta commands, byte for byte, spoken to netd, and to memcached. Numbers in names are those of the rules."""

import re
import unittest

from faults import SHIM
from meta_vectors import META_VECTORS, MN, masked, ms
from protocol_test import ProtocolTestCase
from support import MEMCACHED, MEMCACHED_ALONE, require
from vectors import STORED, store

ME_LINE = re.compile(rb'ME (\S+) exp=(-?\d+) la=(\d+) cas=(\d+) fetch=(yes|no) cls=(\d+) size=(\d+)'
                     rb'( [a-z_]+=\S+)*\r\n')


# Where Debian's memcached answers otherwise: what PROTOCOL.md says -> the vectors' sentences.
DIFFERENCES = {
    'Lines that are too short are malformed': [
        "'mg' has too few tokens",
        "'md' has too few tokens",
        "'ma' has too few tokens",
        "'ms' has too few tokens",
    ],
    'Flags start with a letter or a digit': [
        'an exclamation mark begins no flag',
        'what comes before A begins no flag',
        'what comes after z begins no flag',
        'what comes after 9 begins no flag',
        'what comes before 0 begins no flag',
        'a sign begins no flag',
        'a byte above 127 begins no flag',
        'ms with something that is no flag leaves the data to be executed',
        'mg !',
    ],
    'Numbers are nothing but digits': [
        'ms with +2 for a length leaves the data to be executed',
        'T4294967296 is malformed',
        'T-2147483649 is malformed',
        'R+1 is malformed',
        'F4294967296 is malformed',
    ],
    'Errors in the flags of `md` are reported like those of `mg`': [
        'a key of 251 bytes is an invalid flag to ma',
        'the same flag twice is refused',
        'S is an unknown flag',
        'S2 is an unknown flag',
        'i is an unknown flag',
        'a is an unknown flag',
        'z is an unknown flag',
        'Y is an unknown flag',
        'W is an unknown flag',
        'X is an unknown flag',
        'Z is an unknown flag',
        '5 is an unknown flag',
        'noreply is an unknown flag',
        'A is an unknown flag',
        'G is an unknown flag',
        'g is an unknown flag',
        'y is an unknown flag',
        'T is malformed',
        'Tx is malformed',
        'T1x is malformed',
        'N is malformed',
        'Nx is malformed',
        'R is malformed',
        'C is malformed',
        'C-1 is malformed',
        'C18446744073709551616 is malformed',
        'E is malformed',
        'Ex is malformed',
        'D is malformed',
        'D-1 is malformed',
        'J is malformed',
        'Jx is malformed',
        'F is malformed',
        'F-1 is malformed',
        'every error in a flag of ma is the same',
        'errors are sent though q is given',
        'noreply is an invalid flag',
        'a key that is no base64 is refused',
    ],
    '`me` answers a bad base64 key as the other commands do.': [
        'me refuses a key that is no base64',
    ],
    '`E` and `x` are flags': [
        'C with the number of the item withholds the value',
        'E is the number of an item that N creates',
        'a store that fails tells the size sent and the number 0',
        'C compares as cas does',
        'C with append compares unless it is 0',
        'E chooses the number of the item, 0 does not',
        'I stores an older value as stale',
        'I stores no newer value, and changes nothing without C',
        'I keeps the win that is out',
        'C of md compares, and 0 is never equal',
        'I keeps the item as stale, with a new number and expiry',
        'x leaves an empty item with the same number',
        'x with I is empty and stale',
        'C of ma compares unless it is 0; E chooses the number',
        'ms E, and ms C I',
        'ma C1',
        'flags that a command does not use are accepted',
        'x ends being stale and won',
        'md x',
    ],
    '`ms` answers `s` and creates with `N`': [
        'what is asked for is told in request order',
        'a value may be empty',
        'the modes decide by what is there',
        'N lets append create, with its own time',
        'ms with everything, mg with everything',
        'ms MA N30',
    ],
    'The data of a store that is refused is skipped': [
        'ms with a key of 251 bytes swallows the data',
    ],
    '18 flags fit on a line': [
        '18 flags are not too many for mg',
        '19 flags are too many for mg md ma',
        '17 flags are not too many for ms',
        '18 flags are too many for ms, which swallows the data',
    ],
    'Only the first letter of a mode counts': [
        'only the first letter of a mode counts',
        "mode '' is none, and the data is swallowed",
        "mode '' is none of ma",
    ],
    'Counting leaves an item stale or won': [
        'incr leaves a stale and won item as it is',
        'ma leaves a stale and won item as it is',
    ],
    'Items that `mg`, `ma` and appending `ms` create with `b` are marked as binary': [
        'mg and ma that create keep the mark',
        'what is appended with b marks the item',
    ],
    '`t` of an item that has just been made to expire is `t0`': [
        'an item past its deadline has t0',
    ],
    '`N` sets its expiry before everything else on the line': [
        'N comes before T and t',
    ],
    'An item that is expired when it is created has the CAS number 0.': [
        'what is past has the number 0',
    ],
    '`ma` compares with `C` before it parses the value': [
        'C of ma comes before the value',
    ],
    '`R` is a number of seconds': [
        'R may be any number of seconds',
    ],
    'An opaque that is too long is refused before anything is done': [
        'an opaque that is too long is refused before anything is done',
    ],
    '`T` of `ma` takes effect': [
        'T of ma counts when the number grows',
    ],
}


class Vectors(ProtocolTestCase):
    """One test for each vector, named after its rule and sentence."""


def add_vector_tests():
    for vector in META_VECTORS:
        name = 'test_' + re.sub(r'\W+', '_', f'{vector.rule} {vector.says}').strip('_')
        assert not hasattr(Vectors, name), f'two vectors make {name}'
        setattr(Vectors, name, lambda self, vector=vector: self.assertEqual(
            vector.reply, masked(vector.request, self.connection.ask(vector.request))))


add_vector_tests()


class VectorsOnMemcached(ProtocolTestCase):
    @classmethod
    def setUpClass(cls):
        require(MEMCACHED, 'memcached')
        cls.server = cls.enterClassContext(cls.server_without_time(MEMCACHED, *MEMCACHED_ALONE))
        if SHIM:  # It takes its time to stop.
            cls.addClassCleanup(cls.faults.start_clock)

    def setUp(self):
        pass

    def reply_to(self, request):
        with self.server.connect() as connection:
            connection.ask(b'flush_all\r\n')
            try:
                return masked(request, connection.ask(request))
            except (AssertionError, OSError) as error:
                return str(error).encode()

    def test_the_vectors_get_the_same_replies_but_for_the_differences_listed(self):
        listed = {says for sentences in DIFFERENCES.values() for says in sentences}
        for vector in META_VECTORS:
            with self.subTest(rule=vector.rule, says=vector.says, request=vector.request[:200]):
                reply = self.reply_to(vector.request)
                if vector.says in listed:
                    listed.remove(vector.says)
                    self.assertNotEqual(vector.reply, reply, 'this is no difference any more')
                else:
                    self.assertEqual(vector.reply, reply)
        self.assertEqual(set(), listed, 'differences without a vector')


class Debug(ProtocolTestCase):
    def me(self, request):
        reply = self.connection.ask(request)
        match = ME_LINE.fullmatch(reply)
        self.assertIsNotNone(match, reply)
        return match

    def test_9_6_me_tells_memcached_s_names_first(self):
        self.connection.ask(ms(b'a', b'hi', b'T100', b'E77'))
        self.assertEqual((b'a', b'100', b'77', b'no'), self.me(b'me a\r\n').group(1, 2, 4, 5))
        self.connection.ask(b'get a\r\n')
        self.assertEqual(b'yes', self.me(b'me a v k\r\n')[5])

    def test_9_6_our_own_names_follow(self):
        self.connection.ask(ms(b'a', b'hi', b'F5') + b'md a I\r\n')
        reply = self.connection.ask(b'me a\r\n')
        self.assertRegex(reply, rb' ttl_ms=-1 shard=\d+ segment=\d+ freq=0 stale=yes won=no flags=5 vlen=2\r\n\Z')

    def test_17_3_me_honours_b_and_prints_a_binary_key_in_base64(self):
        self.connection.ask(ms(b'Zm9v', b'hi', b'b'))
        for request in [b'me Zm9v b\r\n', b'me Zm9v b x\r\n', b'me foo\r\n']:
            self.assertEqual(b'Zm9v', self.me(request)[1])
        self.check(b'me Zm9v\r\n', b'EN\r\n')


class Framing(ProtocolTestCase):
    def test_1_1_a_meta_conversation_may_be_split_at_any_byte(self):
        conversation = ms(b'Zm9v', b'1\r\n2', b'b', b'k') + b'mg foo v k\r\nma n N0 v\r\nmd foo q\r\nmg foo q\r\nmn\r\n'
        replies = b'HD kZm9v b\r\nVA 4 kZm9v b\r\n1\r\n2\r\nVA 1\r\n0\r\n' + MN
        for i in range(1, len(conversation)):
            self.connection.send_in_pieces([conversation[:i], conversation[i:]])
            self.assertEqual(replies, self.connection.ask(b'delete n\r\n').replace(b'DELETED\r\n', b''),
                             f'split after byte {i}')


class Counting(ProtocolTestCase):
    def test_14_meta_commands_move_the_counters_of_what_they_do(self):
        self.connection.ask(b'stats reset\r\n')
        self.connection.ask(ms(b'a', b'1') + ms(b'a', b'1', b'ME') + ms(b'a', b'1', b'C1') + ms(b'b', b'1', b'C1') +
                            b'mg a\r\nmg b\r\nmg a T0\r\nmg b T0\r\nmg v N0\r\nma a\r\nma a MD\r\nma m\r\nma m MD\r\n'
                            b'ma m N0\r\nme a\r\nme b\r\nmd b\r\nmd a C1\r\nmd a\r\nmn\r\n')
        stats = self.connection.stats()
        expected = {'stale_served': 0, 'refresh_wins': 1, 'cmd_get': 4, 'get_hits': 2, 'get_misses': 2, 'get_vivified': 1, 'cmd_touch': 1, 'touch_hits': 1,
                    'touch_misses': 0, 'cmd_set': 4, 'cas_badval': 1, 'cas_misses': 1, 'incr_hits': 1,
                    'incr_misses': 1, 'decr_hits': 1, 'decr_misses': 1, 'delete_hits': 1, 'delete_misses': 2,
                    'cmd_meta': 2, 'cmd_mg': 5, 'cmd_ms': 4, 'cmd_md': 3, 'cmd_ma': 5, 'cmd_mn': 1}
        self.assertEqual(expected, {name: int(stats[name]) for name in expected})


class WithoutCas(ProtocolTestCase):
    FLAGS = ('-C',)

    def test_5_6_every_number_reads_0_and_none_is_equal(self):
        self.check(ms(b'a', b'1', b'E7', b'c') + b'mg a c\r\nmd a C7\r\nmd a C0\r\n' + ms(b'a', b'1', b'C7'),
                   b'HD c0\r\nHD c0\r\nEX\r\nEX\r\nEX\r\n')


class LastAccess(ProtocolTestCase):
    def test_9_2_l_is_a_number_of_seconds_and_u_does_not_change_it(self):
        self.connection.ask(store(b'a', b'1'))
        for request in [b'mg a u l\r\n', b'mg a l\r\n', b'mg a l u\r\n']:
            self.assertRegex(self.connection.ask(request), rb'\AHD l[0-9]\r\n\Z')


if __name__ == '__main__':
    unittest.main()
