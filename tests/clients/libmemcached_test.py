"""libmemcached from C++, with the text protocol: one server, and a weighted ketama ring of three."""

import os
import subprocess
import unittest

from same_outcome import ClusterTestCase, OneServerTestCase, skip
from support import DEADLINE_S, ttl_s, wait_until

CLIENT = os.environ.get('LIBMEMCACHED_CLIENT') or skip('libmemcached is not here: install libmemcached-dev')


class Client:
    """The program libmemcached_client, whose first lines say what it can be asked."""

    def __init__(self, **behaviors):
        self.process = subprocess.Popen([CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        timeout_ms = 1000 * DEADLINE_S
        for name, value in {'connect_timeout_ms': timeout_ms, 'poll_timeout_ms': timeout_ms, **behaviors}.items():
            self.must(f'behavior {name} {value}')

    def __call__(self, request):
        """The outcome of a request, in libmemcached's words."""
        self.process.stdin.write(request + '\n')
        return self.process.stdout.readline().removesuffix('\n')

    def must(self, request):
        outcome = self(request)
        if outcome != 'SUCCESS':
            raise AssertionError(f'{request}: {outcome}')

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(DEADLINE_S) != 0:
            raise AssertionError(f'exit code {self.process.returncode} of {CLIENT}')


class OneClient(OneServerTestCase):
    def client_of(self, server, **behaviors):
        client = Client(tcp_nodelay=1, **behaviors)
        self.addCleanup(client.close)
        client.must('server %s %d 1' % server.address)
        return client

    def assert_replies(self, *requests, **behaviors):
        """Each request is a pair of its outcome and itself."""
        def script(server):
            client = self.client_of(server, **behaviors)
            return [(client(request), request) for _, request in requests]

        self.assert_outcome(list(requests), script, self.servers)

    def test_storing(self):
        self.assert_replies(
            ('NOT FOUND', 'get key'),
            ('NOT STORED', 'replace key value'),
            ('SUCCESS', 'add key value'),
            ('NOT STORED', 'add key other'),
            ('SUCCESS', 'replace key middle 0 4294967295'),
            ('SUCCESS', 'append key _end'),
            ('SUCCESS', 'prepend key start_'),
            ('SUCCESS start_middle_end 4294967295', 'get key'),
            ('NOT STORED', 'append missing end'),
            ('SUCCESS', 'exist key'),
            ('NOT FOUND', 'exist missing'),
            ('SUCCESS', 'delete key'),
            ('NOT FOUND', 'delete key'),
        )

    def test_counting(self):
        self.assert_replies(
            ('NOT FOUND', 'incr counter 1'),
            ('SUCCESS', 'set counter 10'),
            ('SUCCESS 12', 'incr counter 2'),
            ('SUCCESS 9', 'decr counter 3'),
            ('SUCCESS 0', 'decr counter 100'),
            ('SUCCESS', 'set word word'),
            ('CLIENT ERROR', 'incr word 1'),
        )

    def test_cas(self):
        self.assert_replies(
            ('SUCCESS', 'set key old'),
            ('SUCCESS old 0', 'get key'),
            ('SUCCESS', 'cas key new'),
            ('CONNECTION DATA EXISTS', 'cas key newer'),
            ('NOT FOUND', 'cas missing value'),
            ('SUCCESS new 0', 'get key'),
        )

    def test_expiry(self):
        self.assert_replies(
            ('SUCCESS', 'set short value 1'),
            ('SUCCESS', 'set prolonged value 100'),
            ('SUCCESS', 'touch prolonged 10000'),
            ('NOT FOUND', 'touch missing 100'),
            ('SUCCESS', 'set past value -1'),
            ('NOT FOUND', 'get past'),
        )
        for server in self.servers:
            client = self.client_of(server)
            wait_until(lambda: client('get short') == 'NOT FOUND', 'an item with a TTL of 1 s expires')
            self.assertGreater(ttl_s(server, 'prolonged'), 100)

    def test_many_keys(self):
        keys = [f'key{i}' for i in range(500)]
        found = ' '.join(f'{key}=value' for key in sorted(keys))
        self.assert_replies(
            *(('SUCCESS', f'set {key} value') for key in keys),
            (f'SUCCESS {found}', f'mget missing {" ".join(keys)}'),
            ('SUCCESS', 'flush'),
            ('SUCCESS', f'mget {" ".join(keys)}'),
            ('SUCCESS', 'version'),
        )

    def test_buffered_requests_keep_their_order(self):
        self.assert_replies(
            ('ACTION QUEUED', 'set key old'),
            ('ACTION QUEUED', 'set key middle'),
            ('SUCCESS', 'append key _end'),
            ('ACTION QUEUED', 'set other value'),
            ('ACTION QUEUED', 'delete missing'),
            ('SUCCESS middle_end 0', 'get key'),
            ('SUCCESS value 0', 'get other'),
            buffer_requests=1)

    def test_requests_without_a_reply_keep_their_order(self):
        self.assert_replies(
            ('SUCCESS', 'set key old'),
            ('SUCCESS', 'add key other'),
            ('SUCCESS', 'append key _end'),
            ('SUCCESS', 'delete missing'),
            ('NOT FOUND', 'touch missing 100'),  # libmemcached waits for the reply to touch.
            ('SUCCESS old_end 0', 'get key'),
            noreply=1)


class AWeightedKetamaRing(ClusterTestCase):
    WEIGHTS = [1, 3, 2]

    def client_of(self, cluster, **behaviors):
        client = Client(ketama_weighted=1, auto_eject_hosts=1, server_failure_limit=1, **behaviors)
        self.addCleanup(client.close)
        for port, weight in zip(cluster.ports, self.WEIGHTS):
            client.must(f'server 127.0.0.1 {port} {weight}')
        return client

    def test_spreads_keys_by_weight_and_over_the_others_when_a_server_is_lost(self):
        keys = [f'key{i}' for i in range(1000)]

        def script(cluster):
            client = self.client_of(cluster, retry_timeout_s=1000)
            for key in keys:
                client.must(f'set {key} {key}')
            before = {key: self.node(client, cluster, key) for key in keys}
            self.assertEqual({key: [index] for key, index in before.items()}, cluster.placement(keys))
            for index, weight in enumerate(self.WEIGHTS):
                share = list(before.values()).count(index) / len(keys)
                self.assertAlmostEqual(weight / sum(self.WEIGHTS), share, delta=0.13)

            cluster.lose(1)
            failed = [key for key in keys if client(f'get {key}') not in (f'SUCCESS {key} 0', 'NOT FOUND')]
            self.assertEqual({1}, {before[key] for key in failed})
            self.assertLess(len(failed), 10)
            after = {key: self.node(client, cluster, key) for key in keys}
            self.assertEqual({0, 2}, set(after.values()))
            return before, after

        self.assert_same_outcome(script)

    def test_goes_on_without_a_server_and_takes_it_back(self):
        def script(cluster):
            client = self.client_of(cluster, retry_timeout_s=1, dead_timeout_s=1)
            return self.lose_a_server_and_regain_it(
                cluster, 1, lambda key: client(f'set {key} {key}') == 'SUCCESS',
                lambda key: client(f'get {key}').removeprefix('SUCCESS ').removesuffix(' 0'))

        self.assert_same_outcome(script)

    @staticmethod
    def node(client, cluster, key):
        """The index of the server that the key belongs to, as the client sees it."""
        return cluster.ports.index(int(client(f'node {key}')))


if __name__ == '__main__':
    unittest.main()
