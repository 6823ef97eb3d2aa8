"""twemproxy in front of three servers, one of which is killed under load and comes back."""

import collections
import concurrent.futures
import contextlib
import os
import subprocess
import tempfile
import threading
import unittest

from same_outcome import ClusterTestCase, require_program
from support import DEADLINE_S, Connection, free_port, wait_until

NUTCRACKER = require_program('nutcracker', 'nutcracker')

# The names decide where a key belongs. Without a `timeout` a slow machine loses no server.
CONFIGURATION = '''
cache:
  listen: 127.0.0.1:{port}
  hash: md5
  distribution: ketama
  auto_eject_hosts: true
  server_failure_limit: 1
  server_retry_timeout: 300
  servers:
{servers}
'''


class Proxy:
    """A running twemproxy that spreads keys over the servers at these ports."""

    def __init__(self, ports):
        self.address = ('127.0.0.1', free_port())
        self.directory = tempfile.TemporaryDirectory(prefix='larder-twemproxy-')
        configuration = os.path.join(self.directory.name, 'nutcracker.yml')
        servers = '\n'.join(f'   - 127.0.0.1:{port}:1 server{index}' for index, port in enumerate(ports))
        with open(configuration, 'w', encoding='ascii') as file:
            file.write(CONFIGURATION.format(port=self.address[1], servers=servers))
        self.process = subprocess.Popen([NUTCRACKER, '--conf-file', configuration, '--stats-addr', '127.0.0.1',
                                         '--stats-port', str(free_port()),
                                         '--output', os.path.join(self.directory.name, 'log')])

    def __enter__(self):
        try:
            wait_until(self._accepts, 'twemproxy accepts connections')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(DEADLINE_S)
        self.directory.cleanup()

    def connect(self):
        return Client(self.address)

    def _accepts(self):
        with contextlib.suppress(ConnectionRefusedError):
            self.connect().close()
            return True


class Client(Connection):
    def store(self, key):
        """True, or the error."""
        reply = self._reply_to(f'set {key} 0 0 {len(key)}\r\n{key}\r\n', end='\r\n')
        return True if reply == 'STORED\r\n' else reply

    def fetch(self, key):
        """The value, None, or the error."""
        reply = self._reply_to(f'get {key}\r\n', end='END\r\n')
        if reply == f'VALUE {key} 0 {len(key)}\r\n{key}\r\nEND\r\n':
            return key
        return None if reply == 'END\r\n' else reply

    def _reply_to(self, request, end):
        self.send(request.encode())
        return self.read_until(lambda reply: reply.endswith(b'\r\n' if b'ERROR ' in reply else end.encode())).decode()


class Load:
    """Threads that store and read keys until they are stopped. They note what went wrong, and with which key."""

    THREADS = 2

    def __init__(self, proxy, keys):
        self.troubles = collections.defaultdict(set)
        self.rounds = [0] * self.THREADS
        self._is_stopped = threading.Event()
        self._executor = concurrent.futures.ThreadPoolExecutor(self.THREADS)
        self._runs = [self._executor.submit(self._run, proxy, index, keys[index::self.THREADS])
                      for index in range(self.THREADS)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._is_stopped.set()
        self._executor.shutdown()
        for run in self._runs:
            run.result()

    def errors(self):
        """What clients were told instead of a value or a miss."""
        return set().union(*list(self.troubles.values())) - {None}

    def complete_a_round(self):
        """Waits until each thread has been through all its keys, and tells of one that could not go on."""
        rounds = list(self.rounds)

        def is_complete():
            for run in self._runs:
                if run.done():
                    run.result()
            return all(now > before + 1 for before, now in zip(rounds, self.rounds))

        wait_until(is_complete, 'each thread of the load goes through all its keys')

    def _run(self, proxy, index, keys):
        with proxy.connect() as client:
            while not self._is_stopped.is_set():
                for key in keys:
                    for outcome in (client.store(key), client.fetch(key)):
                        if outcome not in (True, key):
                            self.troubles[key].add(outcome)
                self.rounds[index] += 1


class Twemproxy(ClusterTestCase):
    LOAD = [f'load{i}' for i in range(60)]

    def test_only_the_keys_of_a_lost_server_suffer_and_it_comes_back(self):
        def script(cluster):
            with Proxy(cluster.ports) as proxy, proxy.connect() as client, Load(proxy, self.LOAD) as load:
                load.complete_a_round()
                of_load = cluster.placement(self.LOAD)
                self.assertEqual({}, load.troubles)
                placement = self.lose_a_server_and_regain_it(
                    cluster, 1, client.store, client.fetch,
                    while_lost=lambda: wait_until(lambda: load.errors(), 'a client is told of the lost server'))
                load.complete_a_round()
            self.assertEqual(set(), {key for key in load.troubles if of_load[key] != [1]})
            for error in load.errors():
                self.assertRegex(error, r'\ASERVER_ERROR .*\r\n\Z')
            return of_load, placement

        self.assert_same_outcome(script)


if __name__ == '__main__':
    unittest.main()
