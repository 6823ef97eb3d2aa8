"""The tutorial that most people learn memcached from, with python-memcached, against netd and against memcached."""

import contextlib
import io
import threading
import unittest

import memcache

from support import DEADLINE_S, MEMCACHED, NETD, host, loopback_server, require, ttl_s, wait_until


class TutorialTestCase(unittest.TestCase):
    """Collects what the clients print with debug=True; what a test did not expect is a failure."""

    def setUp(self):
        self.printed = self.enterContext(contextlib.redirect_stderr(io.StringIO()))
        self.expected_complaints = []

    def tearDown(self):
        self.assertEqual(self.expected_complaints, self.complaints())

    def complaints(self):
        """Without what Python itself warns of there, such as a socket that a client has left to be collected."""
        lead = 'MemCached: '
        return [line.removeprefix(lead) for line in self.printed.getvalue().splitlines() if line.startswith(lead)]

    def expect_unexpected(self, *words):
        """python-memcached prints this for an answer that is no success."""
        self.expected_complaints += [f"while expecting 'STORED', got unexpected response '{word}'" for word in words]

    def client(self, *servers, **options):
        client = memcache.Client(list(servers), debug=True, socket_timeout=DEADLINE_S, **options)
        self.addCleanup(client.disconnect_all)
        return client


class OneServer:
    @classmethod
    def setUpClass(cls):
        require(cls.program, cls.program_name)
        cls.server = cls.enterClassContext(loopback_server(cls.program))

    def setUp(self):
        super().setUp()
        self.mc = self.client(host(self.server))
        self.mc.flush_all()

    def another_client(self):
        return self.client(host(self.server))

    def test_get_returns_what_set_stored(self):
        for value in [b'bytes', 'text', 'naïve ☕', 42, -1, 3.5, {'a': [1, 2]}, None, '', b'\x00\r\nEND\r\n',
                      b'x' * 100000]:
            with self.subTest(value=repr(value)[:20]):
                self.assertTrue(self.mc.set('key', value))
                self.assertEqual(value, self.mc.get('key'))

    def test_get_of_a_missing_key_returns_none(self):
        self.assertIsNone(self.mc.get('missing'))

    def test_set_replaces_the_value(self):
        self.mc.set('key', 'old')
        self.assertTrue(self.mc.set('key', 'new'))
        self.assertEqual('new', self.mc.get('key'))

    def test_a_second_add_fails_and_changes_nothing(self):
        self.assertTrue(self.mc.add('key', 'first'))
        self.assertFalse(self.mc.add('key', 'second'))
        self.assertEqual('first', self.mc.get('key'))
        self.expect_unexpected('NOT_STORED')

    def test_replace_of_a_missing_key_fails(self):
        self.assertFalse(self.mc.replace('key', 'value'))
        self.assertIsNone(self.mc.get('key'))
        self.expect_unexpected('NOT_STORED')

    def test_replace_of_a_present_key_stores(self):
        self.mc.set('key', 'old')
        self.assertTrue(self.mc.replace('key', 'new'))
        self.assertEqual('new', self.mc.get('key'))

    def test_delete_removes_the_key_and_succeeds_on_a_missing_one(self):
        self.mc.set('key', 'value')
        self.assertTrue(self.mc.delete('key'))
        self.assertIsNone(self.mc.get('key'))
        self.assertTrue(self.mc.delete('key'))

    def test_the_multi_calls_store_read_and_delete_many_keys(self):
        values = {f'key{i}': f'value{i}' for i in range(100)}
        self.assertEqual([], self.mc.set_multi(values))
        self.assertEqual(values, self.mc.get_multi([*values, 'missing']))
        deleted = [f'key{i}' for i in range(50)]
        self.assertTrue(self.mc.delete_multi(deleted))
        self.assertEqual({f'key{i}': f'value{i}' for i in range(50, 100)}, self.mc.get_multi(values))

    def test_the_multi_calls_take_a_key_prefix(self):
        self.assertEqual([], self.mc.set_multi({'1': 'one', '2': 'two'}, key_prefix='number_'))
        self.assertEqual('one', self.mc.get('number_1'))
        self.assertEqual({'1': 'one', '2': 'two'}, self.mc.get_multi(['1', '2', '3'], key_prefix='number_'))

    def test_append_and_prepend_extend_a_value(self):
        self.mc.set('key', 'middle')
        self.assertTrue(self.mc.append('key', ' end'))
        self.assertTrue(self.mc.prepend('key', 'start '))
        self.assertEqual('start middle end', self.mc.get('key'))

    def test_append_and_prepend_fail_on_a_missing_key(self):
        self.assertFalse(self.mc.append('key', 'end'))
        self.assertFalse(self.mc.prepend('key', 'start'))
        self.assertIsNone(self.mc.get('key'))
        self.expect_unexpected('NOT_STORED', 'NOT_STORED')

    def test_incr_and_decr_count_by_one_and_by_ten(self):
        self.mc.set('counter', 100)
        self.assertEqual(101, self.mc.incr('counter'))
        self.assertEqual(111, self.mc.incr('counter', 10))
        self.assertEqual(110, self.mc.decr('counter'))
        self.assertEqual(100, self.mc.decr('counter', 10))
        self.assertEqual(100, self.mc.get('counter'))

    def test_decr_across_a_power_of_ten_leaves_a_readable_number(self):
        self.mc.set('counter', 10)
        self.assertEqual(9, self.mc.decr('counter'))
        self.assertEqual(9, self.mc.get('counter'))
        self.assertEqual(0, self.mc.decr('counter', 10))

    def test_incr_and_decr_of_a_missing_key_return_none(self):
        self.assertIsNone(self.mc.incr('missing'))
        self.assertIsNone(self.mc.decr('missing', 10))

    def test_cas_stores_when_nobody_came_between(self):
        mc = self.client(host(self.server), cache_cas=True)
        mc.set('key', 'old')
        self.assertEqual('old', mc.gets('key'))
        self.assertTrue(mc.cas('key', 'new'))
        self.assertEqual('new', mc.get('key'))

    def test_cas_fails_when_a_second_writer_came_between(self):
        mc = self.client(host(self.server), cache_cas=True)
        mc.set('key', 'old')
        self.assertEqual('old', mc.gets('key'))
        self.another_client().set('key', 'from the other')
        self.assertFalse(mc.cas('key', 'new'))
        self.assertEqual('from the other', mc.gets('key'))
        self.assertTrue(mc.cas('key', 'new'))
        self.expect_unexpected('EXISTS')

    def test_an_item_expires_unless_touch_prolongs_it(self):
        self.assertTrue(self.mc.set('prolonged', 'value', time=100))
        self.assertEqual('value', self.mc.get('prolonged'))
        self.assertTrue(self.mc.touch('prolonged', 10000))
        self.assertGreater(ttl_s(self.server, 'prolonged'), 100)
        self.assertTrue(self.mc.set('short', 'value', time=1))
        wait_until(lambda: self.mc.get('short') is None, 'an item with a TTL of 1 s expires')

    def test_touch_of_a_missing_key_fails(self):
        self.assertFalse(self.mc.touch('missing', 100))
        self.expected_complaints = ["touch expected b'TOUCHED', got: b'NOT_FOUND'"]

    def test_flush_all_empties_the_cache(self):
        self.mc.set_multi({'a': 1, 'b': 2})
        self.mc.flush_all()
        self.assertEqual({}, self.mc.get_multi(['a', 'b']))

    def test_two_buyers_sell_900_items_and_none_twice(self):
        self.server.ask(b'stats reset\r\n')
        self.mc.set('stock', 900)
        sold = ([], [])
        failures = []

        def buy(sold_here):
            # A client is local to its thread.
            buyer = memcache.Client([host(self.server)], debug=True, socket_timeout=DEADLINE_S, cache_cas=True)
            while (stock := buyer.gets('stock')) > 0:
                if buyer.cas('stock', stock - 1):
                    sold_here.append(stock)
            buyer.disconnect_all()

        def buy_and_report(sold_here):
            try:
                buy(sold_here)
            except Exception as error:
                failures.append(error)

        buyers = [threading.Thread(target=buy_and_report, args=(sold_here,)) for sold_here in sold]
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            buyer.join()
        self.assertEqual([], failures)
        self.assertEqual(list(range(1, 901)), sorted(sold[0] + sold[1]))
        self.assertEqual(0, self.mc.get('stock'))
        stats = self.server.stats()
        self.assertEqual('900', stats['cas_hits'])
        self.expect_unexpected(*['EXISTS'] * int(stats['cas_badval']))


class Cluster:
    """Three servers with the weights 1, 2 and 1."""

    WEIGHTS = [1, 2, 1]
    KEYS = [f'key{i}' for i in range(800)]

    @classmethod
    def setUpClass(cls):
        require(cls.program, cls.program_name)
        cls.servers = [cls.enterClassContext(loopback_server(cls.program)) for _ in cls.WEIGHTS]

    def setUp(self):
        super().setUp()
        self.mc = self.client(*((host(server), weight) for server, weight in zip(self.servers, self.WEIGHTS)),
                              dead_retry=0.1)
        self.mc.flush_all()

    def server_of(self, key):
        """Where python-memcached's hashing puts a key while all servers live."""
        buckets = [server for server, weight in zip(self.servers, self.WEIGHTS) for _ in range(weight)]
        return buckets[memcache.cmemcache_hash(key.encode()) % len(buckets)]

    def item_counts(self):
        return [int(server.stats()['curr_items']) for server in self.servers]

    def test_keys_spread_over_the_servers_as_their_weights_say(self):
        self.assertEqual([], self.mc.set_multi(dict.fromkeys(self.KEYS, 'value')))
        predicted = [sum(self.server_of(key) is server for key in self.KEYS) for server in self.servers]
        counts = self.item_counts()
        self.assertEqual(predicted, counts)
        for count, weight in zip(counts, self.WEIGHTS):
            self.assertAlmostEqual(weight / sum(self.WEIGHTS), count / len(self.KEYS), delta=0.06)

    def test_every_key_is_on_the_server_that_the_hash_names(self):
        self.mc.set_multi({key: key.upper() for key in self.KEYS})
        for server in self.servers:
            mine = [key for key in self.KEYS if self.server_of(key) is server]
            alone = self.client(host(server))
            self.assertEqual({key: key.upper() for key in mine}, alone.get_multi(self.KEYS))

    def test_the_client_goes_on_while_a_server_is_away_and_uses_it_when_it_is_back(self):
        heavy = self.servers[1]
        keys = [key for key in self.KEYS if self.server_of(key) is heavy][:20]
        self.mc.set_multi(dict.fromkeys(keys, 'before'))

        heavy.stop()
        # The first call finds the connection dead and may fail; from then on the other two stand in.
        wait_until(lambda: self.mc.set(keys[0], 'meanwhile'), 'another server takes the key')
        for key in keys:
            self.assertTrue(self.mc.set(key, 'meanwhile'), key)
        self.assertEqual(dict.fromkeys(keys, 'meanwhile'), self.mc.get_multi(keys))

        self.servers[1] = self.enterClassContext(loopback_server(self.program, port=heavy.address[1]))
        alone = self.client(host(self.servers[1]))
        wait_until(lambda: self.mc.set(keys[0], 'after') and alone.get(keys[0]) == 'after', 'the server is used again')
        self.assertEqual([], self.mc.set_multi(dict.fromkeys(keys, 'after')))
        self.assertEqual(dict.fromkeys(keys, 'after'), self.mc.get_multi(keys))
        self.assertEqual(dict.fromkeys(keys, 'after'), alone.get_multi(keys))

        # Each complaint is about the absence of that one server.
        for complaint in self.complaints():
            self.assertRegex(complaint, rf'^MemCache: inet:{host(heavy)}.*Marking dead\.$')
        self.expected_complaints = self.complaints()
        self.assertNotEqual([], self.expected_complaints)


class OneNetd(OneServer, TutorialTestCase):
    program, program_name = NETD, 'netd'


class OneMemcached(OneServer, TutorialTestCase):
    program, program_name = MEMCACHED, 'memcached'


class ClusterOfNetd(Cluster, TutorialTestCase):
    program, program_name = NETD, 'netd'


class ClusterOfMemcached(Cluster, TutorialTestCase):
    program, program_name = MEMCACHED, 'memcached'


if __name__ == '__main__':
    unittest.main()
