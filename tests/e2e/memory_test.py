"""netd's resident memory never exceeds -m by more than 8 MiB, whatever is stored and however it is asked for."""

import os
import random
import re
import select
import socket
import unittest

from support import NETD, SANITIZED, ResidentMemory, Server, is_asleep, require, wait_until
from vectors import END, NO_MEMORY, STORED, store

ALLOWANCE_BYTES = 8 << 20
# In each phase of a load.
BATCHES = int(os.environ.get('MEMORY_BATCHES') or 100)


class Load:
    """Stores, reads and deletes through several connections, in phases that each prefer another size of value."""

    KEYS = 200000
    BATCH_BYTES = 1 << 20

    def __init__(self, server, connections, item_bytes_max):
        self.rng = random.Random(7)
        self.connections = [server.connect() for _ in range(connections)]
        self.item_bytes_max = item_bytes_max
        self.data = b'x' * item_bytes_max
        self.stored_bytes = 0

    def close(self):
        for connection in self.connections:
            connection.close()

    def run(self, batches, sizes):
        for _ in range(batches):
            self.batch(sizes)

    def batch(self, sizes):
        requests, batch_bytes = [], 0
        while batch_bytes < self.BATCH_BYTES and len(requests) < 500:
            key = b'key%d' % self.rng.randrange(self.KEYS)
            data = self.data[:sizes(self.rng)]
            choices = [store(key, data), b'get %s\r\n' % key, b'delete %s\r\n' % key]
            requests.append(self.rng.choices(choices, [8, 1, 1])[0])
            batch_bytes += len(requests[-1])
        reply = self.rng.choice(self.connections).ask(b''.join(requests))
        errors = set(re.findall(rb'^(?:CLIENT_|SERVER_)?ERROR.*\r\n', reply, re.MULTILINE))
        # A small cache may be filled by the requests and replies of the moment.
        assert errors <= {NO_MEMORY}, errors
        self.stored_bytes += batch_bytes


def fixed(length):
    return lambda rng: length


def any_size(item_bytes_max):
    """As many small values as large ones: the logarithm is uniform."""
    return lambda rng: int(item_bytes_max ** rng.random())


class Memory:
    ITEM_BYTES_MAX = (1 << 20) - 400  # and what counts besides

    @classmethod
    def setUpClass(cls):
        if SANITIZED:
            raise unittest.SkipTest('sanitizers own most of the resident memory of their programs')
        require(NETD, 'netd')

    def setUp(self):
        self.server = self.enterContext(Server(NETD, '-m', self.MEGABYTES, '-I', 1 << 20))

    def load(self, connections):
        load = Load(self.server, connections, self.ITEM_BYTES_MAX)
        self.addCleanup(load.close)
        return load

    def check_peak(self, memory):
        self.assertLessEqual(memory.peak_bytes(), (self.MEGABYTES << 20) + ALLOWANCE_BYTES,
                             f'{memory.peak_bytes() / (1 << 20):.1f} MiB resident at -m {self.MEGABYTES}')

    def test_mixed_and_changing_sizes_stay_within_the_limit(self):
        phases = [fixed(1), fixed(self.ITEM_BYTES_MAX), fixed(100), any_size(self.ITEM_BYTES_MAX), fixed(5000),
                  fixed(300000), fixed(1), any_size(self.ITEM_BYTES_MAX)]
        load = self.load(connections=8)
        with ResidentMemory(self.server.pid) as memory:
            for sizes in phases:
                load.run(BATCHES, sizes)
        self.check_peak(memory)
        self.assertGreater(load.stored_bytes, 2 * self.MEGABYTES << 20, 'too little load to prove anything')
        self.assertNotEqual('0', self.server.stats()['evictions'])

    def test_many_connections_with_large_requests_stay_within_the_limit(self):
        load = self.load(connections=500)
        with ResidentMemory(self.server.pid) as memory:
            for connection in load.connections:
                self.assertEqual(STORED, connection.ask(store(b'a', bytes(100000))))
            load.run(2 * BATCHES, any_size(self.ITEM_BYTES_MAX))
        self.check_peak(memory)

    def test_unfinished_requests_stay_within_the_limit(self):
        # All but the last bytes of their values arrive.
        request = store(b'key', bytes(self.ITEM_BYTES_MAX))[:-3]
        self.check_peak_of_pushing([request] * 100)

    def test_unread_replies_stay_within_the_limit(self):
        self.server.ask(store(b'big', bytes(self.ITEM_BYTES_MAX)))
        self.check_peak_of_pushing([b'get big\r\n' * 50] * 100)

    def check_peak_of_pushing(self, requests):
        """Sends each request on its own connection, until netd takes no more, and reads no reply."""
        load = self.load(connections=len(requests))
        rests = {connection.socket: memoryview(request) for connection, request in zip(load.connections, requests)}

        def is_at_rest():
            writables = select.select([], rests, [], 0)[1]
            for writable in writables:
                rests[writable] = rests[writable][writable.send(rests[writable], socket.MSG_DONTWAIT):]
                if not rests[writable]:
                    del rests[writable]
            return not writables and is_asleep(self.server.pid)

        with ResidentMemory(self.server.pid) as memory:
            wait_until(is_at_rest, 'netd takes no more')
        self.check_peak(memory)
        load.close()
        wait_until(lambda: self.server.stats()['curr_connections'] == '1', 'the pushers are gone')
        self.assertEqual(STORED + END, self.server.ask(store(b'a', b'1') + b'get absent\r\n'))


class MemoryOf4MiB(Memory, unittest.TestCase):
    MEGABYTES = 4


class MemoryOf64MiB(Memory, unittest.TestCase):
    MEGABYTES = 64


if __name__ == '__main__':
    unittest.main()
