"""The cluster of examples/cluster: a server is killed under load and comes back; keys are spread by weight."""

import collections
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import unittest

from same_outcome import require_module, require_program, skip
from support import DEADLINE_S, NETD, SANITIZED, free_port, require, wait_until

require_program('nutcracker', 'nutcracker')
FOLDER = pathlib.Path(__file__).parents[2] / 'examples/cluster'
sys.path.insert(0, str(FOLDER))
import cluster
import failover

if SANITIZED:
    skip('the servers would be taken for dead')


def setUpModule():
    require(NETD, 'netd')


def free_ports():
    """The first of the ports that a cluster uses, none of which anybody listens on."""
    while True:
        first = free_port()
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in [*range(first, first + 4), first + cluster.STATISTICS]:
                probes.enter_context(socket.create_server(('127.0.0.1', port)))
            return first


def items_at(port):
    with socket.create_connection(('127.0.0.1', port), timeout=DEADLINE_S) as connection:
        connection.sendall(b'stats\r\nquit\r\n')
        lines = connection.makefile('r').read().splitlines()
    return int(next(line.split()[2] for line in lines if line.startswith('STAT curr_items ')))


class ClusterTest(unittest.TestCase):
    def test_a_server_that_is_killed_costs_its_hits_for_a_while_and_hardly_an_error(self):
        requests = collections.Counter()

        def until(what, hits_min, is_so=lambda: True):
            """Goes on until so many of the last requests, of a hundred, were hits."""
            last = collections.deque(maxlen=2_000)

            def is_reached():
                for _ in range(100):
                    last.append(load.request())
                    requests[last[-1]] += 1
                return len(last) == last.maxlen and last.count('hit') >= hits_min * last.maxlen / 100 and is_so()

            wait_until(is_reached, what)

        with cluster.Cluster(free_ports()) as servers:
            load = failover.Load(servers.port)
            port, _ = servers.netds[failover.VICTIM]
            until('the cache is warm', 90)
            self.assertGreater(items_at(port), 0)
            servers.kill(failover.VICTIM)
            until('the others have its keys', 90)
            servers.start(failover.VICTIM)
            self.assertEqual(0, items_at(port))
            until('it has its keys again', 90, lambda: items_at(port) > 100)
        self.assertLess(requests['error'], 0.02 * requests.total())

    def test_keys_are_spread_by_weight_and_only_those_of_a_lost_server_move(self):
        require_module('pylibmc', 'python3-pylibmc')
        ended = subprocess.run([sys.executable, FOLDER / 'ketama.py', str(free_ports())], capture_output=True, text=True,
                               timeout=DEADLINE_S, env={**os.environ, 'NETD': NETD})
        self.assertEqual(0, ended.returncode, ended.stderr)
        shares = [float(line.split()[-5]) for line in ended.stdout.splitlines() if 'weight' in line]
        for share, expected in zip(shares, [25, 50, 25], strict=True):
            self.assertAlmostEqual(expected, share, delta=8)
        left = float(ended.stdout.splitlines()[-1].split()[2])
        self.assertAlmostEqual(100 - shares[0], left, delta=0.2)


if __name__ == '__main__':
    unittest.main()
