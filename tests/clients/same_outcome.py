"""A client's script is run against memcached and against netd, and must have the same outcome with both.

An outcome is data: what the calls of the script returned, errors included. It is compared with the outcome that the
script is known to have, so that memcached says whether that is right, and netd whether it does the same.
"""

import contextlib
import importlib
import json
import shutil
import subprocess
import sys
import unittest

from support import DEADLINE_S, MEMCACHED, NETD, free_port, loopback_server, require, wait_until

SKIPPED = 77


def skip(reason):
    """Ends the test program as one that was skipped."""
    print(f'skipped: {reason}')
    sys.exit(SKIPPED)


def require_module(name, package):
    """The Python module of a client; without it the test program is skipped."""
    try:
        return importlib.import_module(name)
    except ImportError:
        skip(f"Python's {name} is not here: install {package}")


def require_program(name, package):
    """The path of a program; without it the test program is skipped."""
    return shutil.which(name) or skip(f'{name} is not here: install {package}')


def outcome_of(call, *arguments):
    """What the call returns, or the error it raises, in words."""
    try:
        return call(*arguments)
    except Exception as error:
        return f'{type(error).__name__}: {error}'


def outcomes_printed_by(*command):
    """What a script in another language prints: its outcomes, as one line of JSON."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    if ended.returncode != 0:
        raise AssertionError(f'exit code {ended.returncode} of {command}:\n{ended.stdout}{ended.stderr}')
    return json.loads(ended.stdout)


class SameOutcomeTestCase(unittest.TestCase):
    """Some outcomes are long; what differs in them is shown."""

    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        require(MEMCACHED, 'memcached')
        require(NETD, 'netd')

    def assert_outcome(self, expected, script, servers):
        """`script(server)` returns `expected`, whichever of the servers it is."""
        for server in servers:
            with self.subTest(server=server.name):
                server.ask(b'flush_all\r\n')
                self.assertEqual(expected, script(server))


class OneServerTestCase(SameOutcomeTestCase):
    """Has one memcached and one netd, empty for each script."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.servers = [cls.enterClassContext(loopback_server(program)) for program in (MEMCACHED, NETD)]

    def client_of(self, server):
        """A new client, which is called by the steps of a script."""
        raise NotImplementedError

    def assert_outcomes(self, *steps):
        """Each step is an outcome and the call that has it, which is given the client."""
        def script(server):
            client = self.client_of(server)
            return [outcome_of(call, client) for _, call in steps]

        self.assert_outcome([expected for expected, _ in steps], script, self.servers)


class Storing:
    """What Python's clients call alike."""

    def test_storing(self):
        self.assert_outcomes(
            (None, lambda mc: mc.get('key')),
            (False, lambda mc: mc.replace('key', b'value')),
            (True, lambda mc: mc.add('key', b'value')),
            (False, lambda mc: mc.add('key', b'other')),
            (True, lambda mc: mc.replace('key', b'middle')),
            (True, lambda mc: mc.append('key', b' end')),
            (True, lambda mc: mc.prepend('key', b'start ')),
            (b'start middle end', lambda mc: mc.get('key')),
            (False, lambda mc: mc.append('missing', b'end')),
            (True, lambda mc: mc.delete('key')),
            (False, lambda mc: mc.delete('key')),
            (b'default', lambda mc: mc.get('key', b'default')),
        )


class Cluster:
    """Three servers of a kind, which a client spreads its keys over."""

    def __init__(self, program, ports):
        self.program = program
        self.ports = ports
        with contextlib.ExitStack() as started:
            self.servers = [started.enter_context(loopback_server(program, port)) for port in ports]
            started.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.ExitStack() as stopping:
            for server in filter(None, self.servers):
                stopping.callback(server.stop)

    def lose(self, index):
        """Kills a server; nobody listens on its port then."""
        self.servers[index].kill()
        self.servers[index] = None

    def bring_back(self, index):
        """Starts a server, empty, where the lost one with this index was."""
        self.servers[index] = loopback_server(self.program, self.ports[index])

    def placement(self, keys):
        """For each key the indexes of the servers that hold it."""
        held = [self._held(server, keys) if server else {} for server in self.servers]
        return {key: [index for index, its_keys in enumerate(held) if key in its_keys] for key in keys}

    @staticmethod
    def _held(server, keys):
        reply = server.ask(b'get %s\r\n' % ' '.join(keys).encode())
        return {line.split()[1] for line in reply.decode().split('\r\n') if line.startswith('VALUE ')}


class ClusterTestCase(SameOutcomeTestCase):
    """Has three ports, on which a script finds memcacheds first, then netds."""

    KEYS = [f'key{i}' for i in range(60)]

    def setUp(self):
        self.ports = []
        while len(self.ports) < 3:
            self.ports = list({*self.ports, free_port()})

    def assert_same_outcome(self, script):
        """`script(cluster)` returns the same, whatever the cluster is made of; it checks itself that it is right."""
        outcomes = []
        for program in (MEMCACHED, NETD):
            with self.subTest(program=program), Cluster(program, self.ports) as cluster:
                outcomes.append(script(cluster))
        if len(outcomes) == 2:  # Otherwise a failure has been told.
            self.assertEqual(*outcomes)

    def lose_a_server_and_regain_it(self, cluster, index, store, fetch, while_lost=lambda: None):
        """A script for any client: goes on without the server with this index, and takes it back.

        `store(key)` is to store the key as its own value, and tell whether it did; `fetch(key)` is to return the value.
        Both may fail otherwise, with an error, when they come upon the lost server. `while_lost()` is called when all
        keys are served without it. Returns where the keys were before.
        """
        def is_served(key):
            return outcome_of(store, key) is True and outcome_of(fetch, key) == key

        self.assertEqual([], [key for key in self.KEYS if not is_served(key)])
        before = cluster.placement(self.KEYS)
        self.assertEqual({1}, {len(where) for where in before.values()})
        lost = [key for key in self.KEYS if before[key] == [index]]
        kept = [key for key in self.KEYS if before[key] != [index]]
        self.assertNotEqual([], lost)

        cluster.lose(index)
        self.assertEqual(kept, [fetch(key) for key in kept])
        for key in lost + kept:
            wait_until(lambda key=key: is_served(key), f'{key} is served without the lost server')

        while_lost()
        cluster.bring_back(index)

        def is_home(where):
            return index in where

        wait_until(lambda: all(map(is_served, lost)) and all(map(is_home, cluster.placement(lost).values())),
                   'the lost server is used again')
        return before
