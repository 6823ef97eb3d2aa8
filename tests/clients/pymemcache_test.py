"""pymemcache: its client for one server, and its HashClient for three."""

import unittest

from same_outcome import ClusterTestCase, OneServerTestCase, Storing, require_module
from support import ttl_s, wait_until

require_module('pymemcache', 'python3-pymemcache')
from pymemcache import serde
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient


class OneClient(Storing, OneServerTestCase):
    def client_of(self, server):
        client = Client(server.address, default_noreply=False, serde=serde.pickle_serde)
        self.addCleanup(client.close)
        return client

    def test_values_come_back_with_their_types(self):
        for value in [b'\x00\r\nEND\r\n', b'', 'naïve ☕', 42, -(1 << 70), {'a': [1, None]}, b'x' * 500000]:
            self.assert_outcomes(
                (True, lambda mc, value=value: mc.set('key', value)),
                (value, lambda mc: mc.get('key')),
            )

    def test_counting(self):
        self.assert_outcomes(
            (None, lambda mc: mc.incr('counter', 1)),
            (True, lambda mc: mc.set('counter', 10)),
            (12, lambda mc: mc.incr('counter', 2)),
            (9, lambda mc: mc.decr('counter', 3)),
            (0, lambda mc: mc.decr('counter', 100)),
            (0, lambda mc: mc.get('counter')),
            (True, lambda mc: mc.set('counter', (1 << 64) - 1)),
            (0, lambda mc: mc.incr('counter', 1)),
            (True, lambda mc: mc.set('word', b'word')),
            ("MemcacheClientError: b'cannot increment or decrement non-numeric value'", lambda mc: mc.incr('word', 1)),
        )

    def test_cas(self):
        self.assert_outcomes(
            ((None, None), lambda mc: mc.gets('key')),
            (None, lambda mc: mc.cas('key', b'new', b'1')),
            (True, lambda mc: mc.set('key', b'old')),
            (True, lambda mc: mc.cas('key', b'new', mc.gets('key')[1])),
            (False, lambda mc: mc.cas('key', b'newer', str(int(mc.gets('key')[1]) + 1).encode())),
            (b'new', lambda mc: mc.gets('key')[0]),
            ([b'new'], lambda mc: [value for value, _ in mc.gets_many(['key', 'missing']).values()]),
        )

    def test_many_keys(self):
        values = {f'key{i}': b'%d' % i * 100 for i in range(1000)}
        self.assert_outcomes(
            ([], lambda mc: mc.set_many(values)),
            (values, lambda mc: mc.get_many([*values, 'missing'])),
            (True, lambda mc: mc.delete_many(list(values)[500:])),
            (dict(list(values.items())[:500]), lambda mc: mc.get_many(values)),
            (True, lambda mc: mc.flush_all()),
            ({}, lambda mc: mc.get_many(values)),
        )

    def test_noreply_keeps_client_and_server_in_step(self):
        self.assert_outcomes(
            (True, lambda mc: mc.set('key', b'value', noreply=True)),
            (True, lambda mc: mc.add('key', b'other', noreply=True)),
            (True, lambda mc: mc.append('key', b' end', noreply=True)),
            (None, lambda mc: mc.cas('missing', b'new', b'1')),
            (True, lambda mc: mc.delete('missing', noreply=True)),
            (None, lambda mc: mc.incr('missing', 1, noreply=True)),
            (True, lambda mc: mc.touch('key', 100, noreply=True)),
            (b'value end', lambda mc: mc.get('key')),
            (True, lambda mc: mc.flush_all(noreply=True)),
            (None, lambda mc: mc.get('key')),
        )

    def test_expiry(self):
        self.assert_outcomes(
            (True, lambda mc: mc.set('short', b'value', expire=1)),
            (True, lambda mc: mc.set('prolonged', b'value', expire=100)),
            (True, lambda mc: mc.touch('prolonged', 10000)),
            (False, lambda mc: mc.touch('missing', 100)),
            (True, lambda mc: mc.set('past', b'value', expire=-1)),
            (None, lambda mc: mc.get('past')),
            (True, lambda mc: wait_until(lambda: mc.get('short') is None, 'an item with a TTL of 1 s expires')),
        )
        for server in self.servers:
            self.assertGreater(ttl_s(server, 'prolonged'), 100)

    def test_what_is_refused(self):
        self.assert_outcomes(
            (True, lambda mc: mc.set('key', b'old')),
            ("MemcacheServerError: b'object too large for cache'", lambda mc: mc.set('key', b'x' * ((1 << 20) + 1))),
            (None, lambda mc: mc.get('key')),
            (True, lambda mc: mc.set('k' * 250, b'value')),
            (b'value', lambda mc: mc.get('k' * 250)),
        )

    def test_administration(self):
        self.assert_outcomes(
            (True, lambda mc: mc.version().startswith(b'1.6.')),
            (True, lambda mc: mc.cache_memlimit(128)),
            (128 << 20, lambda mc: mc.stats()[b'limit_maxbytes']),
            (True, lambda mc: mc.cache_memlimit(64)),
            (1, lambda mc: mc.set('key', b'value') and mc.stats()[b'curr_items']),
            (None, lambda mc: mc.quit()),
            (b'value', lambda mc: mc.get('key')),
        )

    def test_every_statistic_of_memcached_is_there_and_of_the_same_type(self):
        memcached, netd = (self.client_of(server).stats() for server in self.servers)
        types = {name: type(value) for name, value in memcached.items()}
        self.assertEqual(types, {name: type(netd.get(name)) for name in types})

    def test_every_setting_of_memcached_is_there_but_for_extstore_and_tls(self):
        memcached, netd = (self.client_of(server).stats('settings') for server in self.servers)
        for name in set(memcached) - set(netd):
            self.assertRegex(name, b'^(ext_|ssl_|slab_automove_freeratio$)')

    def test_a_pool_of_clients(self):
        def script(server):
            with_pool = PooledClient(server.address, max_pool_size=4, default_noreply=False)
            self.addCleanup(with_pool.close)
            return [with_pool.set('key', b'value'), with_pool.get('key'), with_pool.delete('key')]

        self.assert_outcome([True, b'value', True], script, self.servers)


class AHashClient(ClusterTestCase):
    def test_goes_on_without_a_server_and_takes_it_back(self):
        def script(cluster):
            client = HashClient([server.address for server in cluster.servers], default_noreply=False,
                                serde=serde.pickle_serde, retry_attempts=0, dead_timeout=0.2)
            self.addCleanup(client.close)
            return self.lose_a_server_and_regain_it(cluster, 1, lambda key: client.set(key, key), client.get)

        self.assert_same_outcome(script)


if __name__ == '__main__':
    unittest.main()
