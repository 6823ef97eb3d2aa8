"""The meta commands, byte for byte, spoken to netd. Numbers in names are those of the rules."""

import re
import unittest

from meta_vectors import META_VECTORS, MN, masked, ms
from protocol_test import ProtocolTestCase
from vectors import STORED, store

ME_LINE = re.compile(rb'ME (\S+) exp=(-?\d+) la=(\d+) cas=(\d+) fetch=(yes|no) cls=(\d+) size=(\d+)'
                     rb'( [a-z_]+=\S+)*\r\n')


class Vectors(ProtocolTestCase):
    """One test for each vector, named after its rule and sentence."""


def add_vector_tests():
    for vector in META_VECTORS:
        name = 'test_' + re.sub(r'\W+', '_', f'{vector.rule} {vector.says}').strip('_')
        assert not hasattr(Vectors, name), f'two vectors make {name}'
        setattr(Vectors, name, lambda self, vector=vector: self.assertEqual(
            vector.reply, masked(vector.request, self.connection.ask(vector.request))))


add_vector_tests()


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
    def test_1_1_a_meta_conversation_may_be_split_at_any_octet(self):
        conversation = ms(b'Zm9v', b'1\r\n2', b'b', b'k') + b'mg foo v k\r\nma n N0 v\r\nmd foo q\r\nmg foo q\r\nmn\r\n'
        replies = b'HD kZm9v b\r\nVA 4 kZm9v b\r\n1\r\n2\r\nVA 1\r\n0\r\n' + MN
        for i in range(1, len(conversation)):
            self.connection.send_in_pieces([conversation[:i], conversation[i:]])
            self.assertEqual(replies, self.connection.ask(b'delete n\r\n').replace(b'DELETED\r\n', b''),
                             f'split after octet {i}')


class Counting(ProtocolTestCase):
    def test_14_meta_commands_move_the_counters_of_what_they_do(self):
        self.connection.ask(b'stats reset\r\n')
        self.connection.ask(ms(b'a', b'1') + ms(b'a', b'1', b'ME') + ms(b'a', b'1', b'C1') + ms(b'b', b'1', b'C1') +
                            b'mg a\r\nmg b\r\nmg a T0\r\nmg b T0\r\nmg v N0\r\nma a\r\nma a MD\r\nma m\r\nma m MD\r\n'
                            b'ma m N0\r\nme a\r\nme b\r\nmd b\r\nmd a C1\r\nmd a\r\nmn\r\n')
        stats = self.connection.stats()
        expected = {'cmd_get': 3, 'get_hits': 2, 'get_misses': 1, 'get_vivified': 1, 'cmd_touch': 2, 'touch_hits': 1,
                    'touch_misses': 1, 'cmd_set': 4, 'cas_badval': 1, 'cas_misses': 1, 'incr_hits': 1,
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
