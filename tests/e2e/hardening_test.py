"""Whom netd lets in and what it gives away: authentication, files and sockets that others could tamper with, rights
that it gives up, and how it is built."""

import contextlib
import os
import pwd
import re
import select
import shutil
import stat
import subprocess
import unittest

from faults import SHIM, Faults
from support import DEADLINE_S, NETD, SANITIZED, NetdTestCase, Server, free_port, require, user_flags, wait_until
from vectors import END, STORED, store

FAILURE = b'CLIENT_ERROR authentication failure\r\n'
UNAUTHENTICATED = b'CLIENT_ERROR unauthenticated\r\n'
TOO_MANY = b'CLIENT_ERROR too many authentication attempts\r\n'

# As in netd/login_pace.h.
FREE_ATTEMPTS = 8
WRONG_S = 0.250
LATER_MAX = 4


def setUpModule():
    require(NETD, 'netd')


class HardeningTestCase(NetdTestCase):
    def write(self, name, text):
        with open(self.path(name), 'w', encoding='ascii') as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding='ascii') as file:
            return file.read()

    def server(self, *flags, **options):
        return self.enterContext(Server(NETD, *flags, **options))


class AuthenticationTestCase(HardeningTestCase):
    def setUp(self):
        super().setUp()
        self.users = self.write('users', 'alice:secret\n')
        self.netd = self.server('-Y', self.users, '-t', '1', '-A', environment=self.environment())

    def environment(self):
        return {}

    def log_in(self, client, text=b'alice secret'):
        """The reply to an attempt."""
        client.send(store(b'auth', text))
        return client.read_until(lambda reply: reply.endswith(b'\r\n'))

    def insider(self):
        client = self.enterContext(self.netd.connect())
        self.assertEqual(STORED, self.log_in(client))
        return client


class Authentication(AuthenticationTestCase):
    # One of each kind, with data where there is some.
    COMMANDS = [b'get a', b'gets a', b'gat 0 a', b'gats 0 a', b'add a 0 0 1', b'replace a 0 0 1', b'append a 0 0 1',
                b'prepend a 0 0 1', b'cas a 0 0 1 1', b'delete a', b'incr a 1', b'decr a 1', b'touch a 1', b'flush_all',
                b'flush_all 0 noreply', b'version', b'verbosity 2', b'mg a v', b'ms a 1', b'md a', b'ma a', b'me a',
                b'mn a b', b'stats', b'stats settings', b'stats conns', b'stats reset', b'stats items', b'stats slabs',
                b'stats sizes', b'stats detail on', b'stats cachedump 1 1', b'watch fetchers', b'shutdown',
                b'shutdown graceful', b'cache_memlimit 100', b'slabs automove 0', b'lru mode flat',
                b'lru_crawler metadump all', b'lru_crawler mgdump all', b'debugtime 5', b'nonsense', b'set a 0 0 x',
                b'set a 0 0 -1', b'set a 0 0', b'SET a 0 0 1', b'quit']
    # Too short for a line that authenticates: nobody who means to would send them.
    CLOSING = [b'mn', b'', b'get']

    def test_nothing_is_answered_and_nothing_done_before(self):
        insider = self.insider()
        insider.ask(store(b'a', b'1'))
        stats = insider.stats()
        with self.netd.connect() as client:
            for command in self.COMMANDS:
                with self.subTest(command=command):
                    client.send(command + b'\r\n')
                    self.assertEqual(UNAUTHENTICATED, client.read_until(lambda reply: reply.endswith(b'\r\n')))
        for command in self.CLOSING:
            with self.subTest(command=command), self.netd.connect() as client:
                client.send(command + b'\r\n')
                self.assertEqual(b'', client.read_to_end())
        after = insider.stats()
        # Nothing has moved but what the connections themselves count.
        moved = {name for name in stats if stats[name] != after[name]}
        self.assertLessEqual(moved, {'bytes_read', 'bytes_written', 'total_connections', 'curr_connections',
                                     'connection_structures', 'uptime', 'time', 'rusage_user', 'rusage_system',
                                     'read_buf_bytes', 'read_buf_count', 'rss_bytes', 'mem_buffers_bytes'})
        self.assertEqual(b'VALUE a 0 1\r\n1\r\n' + END, insider.ask(b'get a\r\n'))

    def test_what_follows_a_wrong_password_is_not_answered_either(self):
        with self.netd.connect() as client:
            client.send(store(b'auth', b'alice wrong') + b'get a\r\n')
            self.assertEqual(FAILURE + UNAUTHENTICATED, client.read_until(lambda reply: reply.count(b'\n') == 2))

    def test_a_client_that_waits_for_its_turn_keeps_netd_from_nothing(self):
        waiting = self.enterContext(self.netd.connect())
        waiting.send(store(b'auth', b'alice wrong') * (FREE_ATTEMPTS + 20))
        wait_until(lambda: waiting.received.count(b'\n') >= FREE_ATTEMPTS or waiting.receive_some(), 'it has to wait')
        gone = self.netd.connect()
        gone.send(store(b'auth', b'alice wrong') * 20)
        gone.close()
        self.netd.stop()
        self.assertRegex(waiting.read_to_end(), b'(' + FAILURE + b')*')


@unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
class Guesses(AuthenticationTestCase):
    """By a clock that stands still until a test has it go on."""

    def environment(self):
        self.faults = self.enterContext(Faults())
        self.faults.stop_clock()
        return self.faults.environment()

    def check_guesses(self, insider, count):
        """That so many are looked at and no more, and that the one worker has time for those who are inside."""
        wait_until(lambda: int(insider.stats()['auth_errors']) >= count, 'guesses are looked at')
        for _ in range(50):
            self.assertEqual(END, insider.ask(b'get absent\r\n'))
        self.assertEqual(count, int(insider.stats()['auth_errors']))

    def test_attempts_are_counted_and_after_a_few_slowed(self):
        insider = self.insider()
        client = self.enterContext(self.netd.connect())
        client.send(store(b'auth', b'alice wrong') * (FREE_ATTEMPTS + 4))
        self.check_guesses(insider, FREE_ATTEMPTS)
        for count in range(FREE_ATTEMPTS + 1, FREE_ATTEMPTS + 5):
            self.faults.pass_time(WRONG_S)
            self.check_guesses(insider, count)
        self.assertEqual(FAILURE * count, client.read_until(lambda replies: replies.count(b'\n') == count))
        self.assertEqual(count + 1, int(insider.stats()['auth_cmds']))

    def test_many_connections_guess_no_faster_than_one_even_if_they_hang_up_and_hold_up_nobody(self):
        insider = self.insider()
        guessers = [self.netd.connect() for _ in range(20)]
        for number, guesser in enumerate(guessers):
            guesser.send(store(b'auth', b'alice guess') * 3)
            if number % 2 == 0:
                guesser.close()
        self.check_guesses(insider, FREE_ATTEMPTS)
        for count in range(FREE_ATTEMPTS + 1, FREE_ATTEMPTS + 5):
            self.faults.pass_time(WRONG_S)
            self.check_guesses(insider, count)
        for guesser in guessers:
            guesser.close()
        # Whoever knows the password gets in: the attempts of those who have gone are in nobody's way.
        client = self.enterContext(self.netd.connect())
        client.send(store(b'auth', b'alice secret'))
        self.faults.start_clock()
        self.assertEqual(STORED, client.read_until(lambda reply: reply.endswith(b'\r\n')))
        self.assertLessEqual(int(insider.stats()['auth_errors']), count + len(guessers))


    def guessers(self, insider, count, guesses=3):
        """So many connections, of which all guesses have been received, and the free ones looked at."""
        received_bytes = int(insider.stats()['bytes_read'])
        clients = [self.enterContext(self.netd.connect()) for _ in range(count)]
        for client in clients:
            client.send(store(b'auth', b'alice guess') * guesses)
        wait_until(lambda: int(insider.stats()['bytes_read']) - received_bytes
                   >= count * guesses * len(store(b'auth', b'alice guess')), 'all guesses are there')
        self.check_guesses(insider, FREE_ATTEMPTS)
        # Those that wait end when netd does.
        self.addCleanup(self.faults.start_clock)
        return clients

    def test_the_right_password_has_its_turn_before_those_who_guess_from_the_same_place(self):
        insider = self.insider()
        self.guessers(insider, 200)
        # Until those who came just before are no longer among the first.
        for count in range(FREE_ATTEMPTS + 1, FREE_ATTEMPTS + 6):
            self.faults.pass_time(WRONG_S)
            self.check_guesses(insider, count)
        for _ in range(5):
            with self.netd.connect() as client:
                received_bytes = int(insider.stats()['bytes_read'])
                attempt = store(b'auth', b'alice secret')
                client.send(attempt)
                wait_until(lambda: int(insider.stats()['bytes_read']) - received_bytes > len(attempt), 'it is there')
                errors = int(insider.stats()['auth_errors'])
                self.faults.pass_time(WRONG_S)
                self.assertEqual(STORED, client.read_until(lambda reply: reply.endswith(b'\r\n')))
                # And then one of the others.
                self.check_guesses(insider, errors + 1)

    def test_of_those_who_were_wrong_before_some_wait_and_others_are_turned_away(self):
        insider = self.insider()
        # One has all its guesses looked at, as they are free, another one two of them. The latter's third waits.
        clients = self.guessers(insider, 12, guesses=6)
        for count in range(FREE_ATTEMPTS + 1, FREE_ATTEMPTS + 11):
            self.faults.pass_time(WRONG_S)
            self.check_guesses(insider, count)

        def replies():
            for client in clients:
                while not client.at_end and select.select([client.socket], [], [], 0)[0]:
                    client.receive_some()
            return sorted((bytes(client.received), client.at_end) for client in clients)

        waiting = LATER_MAX - 1
        expected = sorted([(6 * FAILURE, False), (2 * FAILURE, False), *waiting * [(FAILURE, False)],
                           *(10 - waiting) * [(FAILURE + TOO_MANY, True)]])
        wait_until(lambda: replies() == expected, 'the others are turned away')


class Files(HardeningTestCase):
    """In a directory where others may write."""

    PID_FILES = [('pid', 'pid.tmp'), ('ports', 'ports.lck')]

    def start(self, name):
        """A netd that has written this file, as a file of its own."""
        if name == 'pid':
            server = self.server('-P', self.path('pid'))
        else:
            server = self.server('-l', '127.0.0.1', '-p', free_port(),
                                 environment={'MEMCACHED_PORT_FILENAME': self.path('ports')})
        wait_until(lambda: self.is_written(name), 'the file is written')
        return server

    def is_written(self, name):
        try:
            status = os.lstat(self.path(name))
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_nlink == 1

    def test_pid_and_port_file_are_not_written_through_links(self):
        precious = self.write('precious', 'data')
        for name, temporary in self.PID_FILES:
            for planted in [name, temporary]:
                for make in [os.symlink, os.link]:
                    with self.subTest(name=name, planted=planted, make=make.__name__):
                        make(precious, self.path(planted))
                        server = self.start(name)
                        self.assertFalse(os.path.lexists(self.path(temporary)))
                        server.stop()
                        self.assertEqual('data', self.read('precious'))
                        with contextlib.suppress(FileNotFoundError):
                            os.unlink(self.path(name))

    def test_a_link_that_leads_nowhere_makes_no_file_there(self):
        for name, temporary in self.PID_FILES:
            for planted in [name, temporary]:
                os.symlink(self.path('nowhere'), self.path(planted))
                self.start(name).stop()
                self.assertFalse(os.path.lexists(self.path('nowhere')))
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path(name))

    def test_nothing_that_stands_in_the_place_of_the_pid_file_keeps_netd_from_starting(self):
        os.mkfifo(self.path('pid'))
        server = self.start('pid')
        self.assertEqual(f'{server.pid}\n', self.read('pid'))

    def test_nobody_else_may_write_to_them(self):
        old_mask = os.umask(0)
        self.addCleanup(os.umask, old_mask)
        for name, _ in self.PID_FILES:
            self.start(name)
            self.assertEqual(0o644, stat.S_IMODE(os.stat(self.path(name)).st_mode))


@unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
class TheStart(HardeningTestCase):
    def setUp(self):
        super().setUp()
        self.faults = self.enterContext(Faults())

    def test_a_UNIX_socket_has_its_permissions_before_it_can_be_connected_to(self):
        for mode in [0o700, 0o660, 0o600]:
            old_mask = os.umask(0)
            try:
                self.server('-a', '%o' % mode, environment=self.faults.environment())
            finally:
                os.umask(old_mask)
            self.assertEqual(mode, self.faults.socket_mode)

    def test_a_link_that_takes_the_place_of_a_UNIX_socket_is_not_followed(self):
        linked = self.write('linked', 'data')
        os.chmod(linked, 0o600)
        self.faults.links_socket = 1
        result = subprocess.run([NETD, *user_flags(), '-s', self.path('socket'), '-a', '777'], umask=0o077,
                                env={**os.environ, **self.faults.environment()}, capture_output=True, text=True,
                                timeout=DEADLINE_S)
        self.assertEqual((71, 1), (result.returncode, result.stderr.count('\n')), result.stderr)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(linked).st_mode))

    @unittest.skipUnless(os.geteuid() == 0, 'only root has rights to give up')
    def test_the_rights_of_root_are_gone_before_the_first_byte_is_read(self):
        nobody = pwd.getpwnam('nobody')
        os.chmod(self.directory, 0o777)
        server = self.server('-s', self.path('socket'), '-a', '777', '-u', 'nobody',
                             environment=self.faults.environment())
        self.assertEqual(END, server.ask(b'get a\r\n'))
        self.assertEqual(nobody.pw_uid, self.faults.uid_at_recv)
        for thread in os.listdir(f'/proc/{server.pid}/task'):
            with open(f'/proc/{server.pid}/task/{thread}/status', encoding='ascii') as status:
                text = status.read()
            self.assertEqual([str(nobody.pw_uid)] * 4, re.search(r'Uid:(.*)', text)[1].split())
            self.assertEqual([str(nobody.pw_gid)] * 4, re.search(r'Gid:(.*)', text)[1].split())
            self.assertEqual([], re.search(r'Groups:(.*)', text)[1].split())
            self.assertEqual(0, int(re.search(r'CapEff:\s*(\w+)', text)[1], 16))


@unittest.skipIf(SANITIZED, 'built for finding defects, not for withstanding them')
@unittest.skipUnless(shutil.which('readelf'), 'binutils is not here')
class TheBuild(unittest.TestCase):
    """Of netd and of the library it has loaded."""

    def readelf(self, *flags):
        for path in self.programs():
            with self.subTest(path=path):
                yield subprocess.run(['readelf', '-W', *flags, path], capture_output=True, text=True, check=True,
                                     timeout=DEADLINE_S).stdout

    def programs(self):
        with Server(NETD) as server, open(f'/proc/{server.pid}/maps', encoding='utf-8') as maps:
            library = re.search(r'/\S*liblarder\.so\S*', maps.read())[0]
        return [NETD, library]

    def test_it_can_be_loaded_anywhere(self):
        for header in self.readelf('-h'):
            self.assertRegex(header, r'Type: +DYN')
        self.assertIn('PIE', list(self.readelf('-d'))[0])

    def test_relocations_are_done_at_once_and_read_only_from_then_on(self):
        for dynamic in self.readelf('-d'):
            self.assertRegex(dynamic, r'BIND_NOW')
        for segments in self.readelf('-l'):
            self.assertIn('GNU_RELRO', segments)

    def test_nothing_is_writable_and_executable(self):
        for segments in self.readelf('-l'):
            self.assertRegex(segments, r'GNU_STACK +(0x\w+ +){5}RW ')
            self.assertNotRegex(segments, r'LOAD +(0x\w+ +){5}RWE')

    def test_the_stack_is_protected_and_sizes_are_checked(self):
        symbols = list(self.readelf('--dyn-syms'))[0]  # of netd
        checks = set(re.findall(r'__stack_chk_fail|__\w+_chk', symbols))
        self.assertIn('__stack_chk_fail', checks)
        self.assertGreater(len(checks), 1, 'sizes are checked where they are known')

    def test_with_more_rights_than_its_caller_it_takes_nothing_from_his_environment(self):
        symbols = list(self.readelf('--dyn-syms'))[0]  # of netd
        self.assertRegex(symbols, r'\bsecure_getenv@')
        self.assertNotRegex(symbols, r'\bgetenv@')


if __name__ == '__main__':
    unittest.main()
