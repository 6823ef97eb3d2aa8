"""Good and hostile clients at once, for a long time: every answer is right, and nothing is left of the clients.

SOAK_SECONDS says for how long, SOAK_GOOD and SOAK_HOSTILE how many clients there are of each kind, and SOAK_RATE how
many requests a good one makes in a second at most.
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
ALLOWANCE_BYTES = 8 << 20
# Of the second half, when the cache has long been full, above the first.
GROWTH_BYTES_MAX = 2 << 20
# Sanitizers keep freed memory for a while, and note something of all of it.
SANITIZED_BYTES_MAX = 2 << 30
USER, PASSWORD = 'user', 'correct horse'


class Soak(unittest.TestCase):
    def test_good_clients_are_served_whatever_hostile_ones_do(self):
        require(NETD, 'netd')
        users = self.enterContext(tempfile.NamedTemporaryFile('w', suffix='-users'))
        users.write(f'{USER}:{PASSWORD}\n')
        users.flush()
        port = free_port()
        server = self.enterContext(Server(NETD, '-l', '127.0.0.1', '-p', port, '-m', MEGABYTES, '-t', 2,
                                          '-Y', users.name))
        descriptors_before = self.descriptors_with_one_client(server)
        with ResidentMemory(server.pid) as memory:
            load = subprocess.run([LOAD, str(port), str(SECONDS), str(GOOD), str(RATE), str(HOSTILE),
                                   f'{USER} {PASSWORD}'], timeout=SECONDS + 300, check=False)
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

    def descriptors_with_one_client(self, server):
        """How many descriptors the server has open when it has found that all others have gone."""
        with server.connect() as client:
            self.assertEqual(client.ask(store(b'user', f'{USER} {PASSWORD}'.encode())), STORED)
            wait_until(lambda: client.stats()['curr_connections'] == '1', 'the server sees that clients have gone')
            return len(os.listdir(f'/proc/{server.pid}/fd'))


if __name__ == '__main__':
    unittest.main()
