"""Good and hostile clients at once, for a long time: every answer is right, and nothing is left of the clients.

How long good clients have waited is printed, and nothing is expected of it: that depends on the machine.

SOAK_SECONDS says for how long, half of it for each test, SOAK_GOOD and SOAK_HOSTILE how many clients there are of each
kind, and SOAK_RATE how many requests a good one makes in a second at most.
"""

import os
import subprocess
import tempfile
import unittest

from support import NETD, SANITIZED, ResidentMemory, Server, free_port, require, wait_until
from vectors import STORED, store

LOAD = os.environ.get('SOAK_LOAD')
SECONDS = int(os.environ.get('SOAK_SECONDS') or 120)
GOOD = int(os.environ.get('SOAK_GOOD') or 4)
RATE = int(os.environ.get('SOAK_RATE') or 5000)
HOSTILE = int(os.environ.get('SOAK_HOSTILE') or 8)

MEGABYTES = 64
# The program itself, and what malloc keeps behind a thousand connections.
ALLOWANCE_BYTES = 16 << 20
# Of the second half above the first. Small blocks of buffers leave holes in malloc's arenas.
GROWTH_BYTES_MAX = 8 << 20
# Sanitizers keep freed memory for a while, and note something of all of it.
SANITIZED_BYTES_MAX = 2 << 30
# Of good clients. Under sanitizers, on a busy machine, they pause for longer than who has memory that others need may.
LOST_MAX = 100 if SANITIZED else 0
USER, PASSWORD = 'user', 'correct horse'
# A hostile client has 200 at most.
CONNECTIONS = 1024 + 200 * HOSTILE


class Soak(unittest.TestCase):
    def test_good_clients_are_served_whatever_hostile_ones_do(self):
        with tempfile.NamedTemporaryFile('w', suffix='-users') as users:
            users.write(f'{USER}:{PASSWORD}\n')
            users.flush()
            self.check_soak(free_port(), ['-Y', users.name], f'{USER} {PASSWORD}')

    def test_the_same_without_passwords_and_with_udp(self):
        port = free_port()
        self.check_soak(port, ['-U', port])

    def check_soak(self, port, flags, user=''):
        require(NETD, 'netd')
        server = self.enterContext(Server(NETD, '-l', '127.0.0.1', '-p', port, '-m', MEGABYTES, '-t', 2,
                                          '-c', CONNECTIONS, *flags))
        seconds = -(-SECONDS // 2)
        descriptors_before = self.descriptors_with_one_client(server)
        self.fill(server)
        with ResidentMemory(server.pid) as memory:
            load = subprocess.run([LOAD, str(port), str(seconds), str(GOOD), str(RATE), str(HOSTILE), str(LOST_MAX),
                                   user],
                                  timeout=seconds + 300, check=False)
        print(f'resident: {memory.peak_bytes(0, 0.5) >> 20} MiB at most in the first half, '
              f'{memory.peak_bytes(0.5, 1) >> 20} MiB in the second')
        self.assertEqual(load.returncode, 0, server.stderr())
        self.assertEqual(self.descriptors_with_one_client(server), descriptors_before)
        if SANITIZED:
            self.assertLess(memory.peak_bytes(), SANITIZED_BYTES_MAX)
        else:
            self.assertLessEqual(memory.peak_bytes(), (MEGABYTES << 20) + ALLOWANCE_BYTES)
            self.assertLessEqual(memory.peak_bytes(0.5, 1), memory.peak_bytes(0.1, 0.5) + GROWTH_BYTES_MAX)
        server.stop()

    def client(self, server):
        """Has logged in. A server without passwords takes that for an item."""
        client = self.enterContext(server.connect())
        self.assertEqual(client.ask(store(b'user', f'{USER} {PASSWORD}'.encode())), STORED)
        return client

    def fill(self, server):
        """From now on the cache is full, but for what hostile clients flush."""
        with self.client(server) as client:
            for number in range(MEGABYTES * 2):
                self.assertEqual(client.ask(store(b'fill:%d' % number, bytes(1 << 19))), STORED)

    def descriptors_with_one_client(self, server):
        """How many descriptors the server has open when it has found that all others have gone."""
        with self.client(server) as client:
            wait_until(lambda: client.stats()['curr_connections'] == '1', 'the server sees that clients have gone')
            return len(os.listdir(f'/proc/{server.pid}/fd'))


if __name__ == '__main__':
    unittest.main()
