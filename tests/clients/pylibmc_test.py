"""pylibmc: libmemcached as Python programs use it, with the text protocol."""

import unittest

from same_outcome import OneServerTestCase, Storing, require_module
from support import DEADLINE_S, host, ttl_s, wait_until

pylibmc = require_module('pylibmc', 'python3-pylibmc')


class OneClient(Storing, OneServerTestCase):
    def client_of(self, server, **behaviors):
        behaviors = {'cas': True, 'tcp_nodelay': True, '_poll_timeout': 1000 * DEADLINE_S, **behaviors}
        return pylibmc.Client([host(server)], binary=False, behaviors=behaviors)

    def test_values_come_back_with_their_types(self):
        for value in [b'\x00\r\nEND\r\n', b'', '', 'naïve ☕', 42, -(1 << 70), 3.5, None, {'a': [1, None]}]:
            self.assert_outcomes(
                (True, lambda mc, value=value: mc.set('key', value)),
                ([(type(value), value)], lambda mc: [(type(value), value) for value in mc.get_multi(['key']).values()]),
            )

    def test_compression(self):
        value = b'compresses well ' * 200000
        self.assert_outcomes(
            ('TooBig', lambda mc: self.name_of_error(lambda: mc.set('key', value))),
            (True, lambda mc: mc.set('key', value, min_compress_len=1000)),
            (True, lambda mc: mc.get('key') == value),
            ([], lambda mc: mc.set_multi({'one': value, 'two': value}, min_compress_len=1000, compress_level=9)),
            ([True, True], lambda mc: [found == value for found in mc.get_multi(['one', 'two']).values()]),
        )

    def test_counting(self):
        self.assert_outcomes(
            ('NotFound', lambda mc: self.name_of_error(lambda: mc.incr('counter'))),
            (True, lambda mc: mc.set('counter', 10)),
            (11, lambda mc: mc.incr('counter')),
            (9, lambda mc: mc.decr('counter', 2)),
            (0, lambda mc: mc.decr('counter', 100)),
            (0, lambda mc: mc.get('counter')),
            ([], lambda mc: mc.set_multi({'n1': 1, 'n2': 2}, key_prefix='of_')),
            (None, lambda mc: mc.incr_multi(['n1', 'n2'], key_prefix='of_', delta=10)),
            ({'n1': 11, 'n2': 12}, lambda mc: mc.get_multi(['n1', 'n2', 'n3'], key_prefix='of_')),
        )

    def test_cas(self):
        self.assert_outcomes(
            ((None, None), lambda mc: mc.gets('key')),
            ('NotFound', lambda mc: self.name_of_error(lambda: mc.cas('key', 'new', 1))),
            (True, lambda mc: mc.set('key', 'old')),
            (True, lambda mc: mc.cas('key', 'new', mc.gets('key')[1])),
            (False, lambda mc: mc.cas('key', 'newer', mc.gets('key')[1] + 1)),
            ('new', lambda mc: mc.get('key')),
        )

    def test_many_keys(self):
        values = {f'key{i}': f'value{i}' for i in range(1000)}
        self.assert_outcomes(
            ([], lambda mc: mc.set_multi(values)),
            (values, lambda mc: mc.get_multi([*values, 'missing'])),
            (True, lambda mc: mc.delete_multi(list(values)[500:])),
            (False, lambda mc: mc.delete_multi(['key0', 'missing'])),
            (dict(list(values.items())[1:500]), lambda mc: mc.get_multi(list(values))),
            (True, lambda mc: mc.flush_all()),
            ({}, lambda mc: mc.get_multi(list(values))),
        )

    def test_expiry(self):
        self.assert_outcomes(
            (True, lambda mc: mc.set('short', 'value', time=1)),
            ([], lambda mc: mc.set_multi({'brief': 'value'}, time=1)),
            (True, lambda mc: mc.set('prolonged', 'value', time=100)),
            (True, lambda mc: mc.touch('prolonged', 10000)),
            (False, lambda mc: mc.touch('missing', 100)),
            (True, lambda mc: wait_until(lambda: not mc.get_multi(['short', 'brief']), 'a TTL of 1 s ends')),
        )
        for server in self.servers:
            self.assertGreater(ttl_s(server, 'prolonged'), 100)

    def test_no_block(self):
        def script(server):
            client = self.client_of(server, no_block=True)
            for i in range(100):
                client.set(f'key{i}', i)
            client.delete('key0')
            return client.get_multi([f'key{i}' for i in range(100)])

        self.assert_outcome({f'key{i}': i for i in range(1, 100)}, script, self.servers)

    def test_statistics(self):
        names = [sorted(self.client_of(server).get_stats()[0][1]) for server in self.servers]
        self.assertEqual([], [name for name in names[0] if name not in names[1]])

    @staticmethod
    def name_of_error(call):
        """Without the words, which hold addresses."""
        try:
            return call()
        except pylibmc.Error as error:
            return type(error).__name__


if __name__ == '__main__':
    unittest.main()
