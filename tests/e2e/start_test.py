"""Where memcached starts, netd starts: whatever the system is short of, and whatever else is on the command line.

What is not as it was asked for is told in one line, and netd serves.
"""

import contextlib
import errno
import os
import re
import random
import resource
import signal
import socket
import subprocess
import unittest

from datagram_test import Client
from faults import SHIM, Faults
from support import (DEADLINE_S, MEMCACHED, NETD, SANITIZED, Connection, NetdTestCase, Server, free_port, is_alive,
                     require, user_flags, wait_until)
from vectors import END, STORED, store, value

USAGE, NO_USER, OS_ERROR = 64, 67, 71
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
# An own mount namespace is root's to have, if anybody's.
HAS_NAMESPACES = IS_ROOT and subprocess.run(['unshare', '-m', 'true'], capture_output=True).returncode == 0
TOO_MANY = b'ERROR Too many open connections\r\n'


def setUpModule():
    require(NETD, 'netd')


def without(*rights):
    """A command for `Server(under=...)`: root without these rights, so that limits are limits for it too."""
    gone = ','.join(f'-{right}' for right in rights)
    return ['setpriv', f'--inh-caps={gone}', f'--bounding-set={gone}'] if IS_ROOT else []


def limited(*limits):
    """The same: the resource limits `limits`, as prlimit is told, which netd cannot raise."""
    return ['prlimit', *limits, *without('sys_resource')]


def shell(script):
    """The same: what a shell does first."""
    return ['sh', '-c', f'{script}; exec "$@"', 'sh']


class StartTestCase(NetdTestCase):
    def tcp_server(self, *flags, **options):
        """For users who may not make a socket in this user's directories."""
        return self.server('-l', '127.0.0.1', '-p', free_port(), *flags, **options)

    def check_serves(self, server, warnings=()):
        """That it does, and has said no more than `warnings`, a line each, in this order."""
        self.assertEqual(STORED + value(b'a', b'1') + END, server.ask(store(b'a', b'1') + b'get a\r\n'))
        lines = server.stderr().splitlines()
        self.assertEqual(len(warnings), len(lines), lines)
        for line, warning in zip(lines, warnings):
            self.assertRegex(line, rf'\Anetd: warning: {warning}\Z')


class OpenFiles(StartTestCase):
    """netd's own come out of what there is, and connections have the rest."""

    def check_limit(self, server):
        """That it keeps as many connections as it says, and turns the next away with a word."""
        count = int(server.stats()['max_connections'])
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(server.connect())
            wait_until(lambda: first.stats()['curr_connections'] == '1', 'the others are gone')
            for _ in range(count - 1):
                self.assertEqual(END, stack.enter_context(server.connect()).ask(b'get b\r\n'))
            one_too_many = stack.enter_context(server.connect())
            self.assertEqual(TOO_MANY, one_too_many.read_to_end())
            self.assertEqual('0', first.stats()['listen_disabled_num'])

    def test_a_connection_limit_beyond_them_is_lowered(self):
        large = min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        for limit, flags in [(1024, []), (large, ['-c', large]), (64, ['-c', 60, '-t', 1]), (40, ['-c', 40, '-t', 2]),
                             (1024, ['-c', 2000000000])]:
            asked = flags[1] if flags else 1024
            with self.subTest(limit=limit, flags=flags):
                server = self.server(*flags, under=limited(f'--nofile={limit}:{limit}'))
                settings = server.stats('settings')
                connections, threads = int(settings['maxconns']), int(settings['num_threads'])
                own = 17 + 2 * threads
                self.check_serves(server, [rf'-c: {connections} of {asked} connections, '
                                           rf'as the system allows {limit} open files, and netd needs {own} itself'])
                self.assertEqual(limit, connections + own)
                if limit <= 64:
                    self.check_limit(server)

    def test_threads_have_a_quarter_of_few(self):
        server = self.server('-t', '64', '-c', '200', under=limited('--nofile=256:256'))
        self.check_serves(server, ['-t: 32 of 64 threads, as the system allows 256 open files',
                                   '-c: 175 of 200 connections, as the system allows 256 open files, '
                                   'and netd needs 81 itself'])
        self.assertEqual(('32', '175'), tuple(server.stats()[name] for name in ['threads', 'max_connections']))
        self.check_limit(server)

    def test_a_limit_that_can_be_raised_is_raised(self):
        server = self.server('-c', '200', under=limited('--nofile=64:1024'))
        self.check_serves(server)
        self.assertEqual('200', server.stats()['max_connections'])


class Threads(StartTestCase):
    @unittest.skipUnless(IS_ROOT, 'only root can be a user of whom there is no other process')
    @unittest.skipIf(SANITIZED, 'sanitizers have threads of their own')
    def test_as_many_as_there_can_be(self):
        user = random.randrange(100000, 1 << 30)
        server = self.tcp_server('-t', '64', '-u', user, under=limited('--nproc=9:9'))
        self.check_serves(server, ['-t: 8 of 64 threads: Resource temporarily unavailable'])
        self.assertEqual(('8', '8'), (server.stats()['threads'], server.stats('settings')['num_threads']))

    @unittest.skipUnless(IS_ROOT, 'only root can be a user of whom there is no other process')
    @unittest.skipIf(SANITIZED, 'sanitizers have threads of their own')
    def test_none_is_a_failed_start(self):
        user = random.randrange(100000, 1 << 30)
        result = subprocess.run([*limited('--nproc=1:1'), NETD, '-l', '127.0.0.1', '-p', str(free_port()),
                                 '-u', str(user)], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((OS_ERROR, 'netd: cannot start a thread: Resource temporarily unavailable\n'),
                         (result.returncode, result.stderr))


    @unittest.skipIf(SANITIZED, 'sanitizers need more address space')
    def test_many_fit_into_little_address_space(self):
        for threads in [1, 64]:
            with self.subTest(threads=threads):
                server = self.server('-m', '64', '-t', threads, under=limited('--as=1024000000', '--stack=8388608'))
                self.check_serves(server)
                clients = [self.enterContext(server.connect()) for _ in range(threads)]
                for i, client in enumerate(clients):
                    self.assertEqual(STORED, client.ask(store(b'big%d' % i, bytes(900000))))


class LockedMemory(StartTestCase):
    @unittest.skipIf(SANITIZED, 'sanitizers let nothing be locked, and say that it was')
    def test_too_little_is_told(self):
        for limit in [0, 1 << 16, 8 << 20]:
            with self.subTest(limit=limit):
                server = self.tcp_server('-k', *(['-u', 'nobody'] if IS_ROOT else []),
                                         under=limited(f'--memlock={limit}:{limit}'))
                self.check_serves(server, ['-k: cannot lock memory: .*'])
                # Which is more than may be locked.
                big = bytes(1_000_000)
                with server.connect() as client:
                    for i in range(20):
                        self.assertEqual(STORED, client.ask(store(b'big%d' % i, big)))


class Files(StartTestCase):
    """What tells others about the server, and cannot be written."""

    def check_daemon(self, *flags, warning, **options):
        port = free_port()
        result = subprocess.run([NETD, *user_flags(), '-d', '-l', '127.0.0.1', '-p', str(port), *flags],
                                capture_output=True, text=True, timeout=DEADLINE_S, **options)
        self.assertEqual((0, ''), (result.returncode, result.stdout))
        self.assertRegex(result.stderr, rf'\Anetd: warning: {warning}\n\Z')
        with Connection(('127.0.0.1', port)) as connection:
            pid = int(connection.stats()['pid'])
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 'the daemon ends')

    def test_a_pid_file_that_cannot_be_written(self):
        for path, reason in [(self.path('missing/pid'), 'No such file or directory'),
                             (self.directory, 'Is a directory'), ('/proc/pid', '.*'),
                             (self.path('x' * 300), 'File name too long')]:
            with self.subTest(path=path):
                self.check_serves(self.server('-P', path), [f'cannot write {path}: {reason}'])
                self.check_daemon('-P', path, warning=f'cannot write {path}: {reason}')
                self.assertEqual([], os.listdir(self.directory))

    def test_a_pid_file_in_a_directory_that_is_gone(self):
        gone = shell('mkdir "$0.gone" && cd "$0.gone" && rmdir "$0.gone"')
        gone[-1] = self.path('directory')
        self.check_serves(self.server('-P', 'pid', under=gone), ['cannot write pid: No such file or directory'])

    def test_a_pid_file_that_was_not_written_is_not_removed(self):
        os.mkdir(self.path('pid.tmp'))
        with open(self.path('pid'), 'w', encoding='ascii') as file:
            file.write('2147483646\n')
        server = self.server('-P', self.path('pid'))
        self.check_serves(server, [f'cannot write {self.path("pid")}: File exists'])
        server.stop()
        self.assertEqual(['pid', 'pid.tmp'], sorted(os.listdir(self.directory)))

    def test_a_file_of_ports_that_cannot_be_written(self):
        path = self.path('missing/ports')
        warning = f'cannot write {path}: No such file or directory'
        self.check_serves(self.server(environment={'MEMCACHED_PORT_FILENAME': path}), [warning])

    @unittest.skipIf(SANITIZED, 'ThreadSanitizer ends when it cannot write')
    def test_no_file_may_grow(self):
        # Its log is one.
        server = self.server('-p', free_port(), '-P', self.path('pid'), under=limited('--fsize=0:0'))
        self.assertEqual(END, server.ask(b'get a\r\n'))
        self.assertEqual([], os.listdir(self.directory))


class CommandLine(StartTestCase):
    def test_a_word_that_is_no_flag_is_ignored(self):
        server = self.server('stray', '-m', '32', 'words')
        self.check_serves(server, ['ignored, as no flag: stray words'])
        self.assertEqual(str(32 << 20), server.stats()['limit_maxbytes'])

    def test_what_is_larger_than_can_be_is_lowered(self):
        for flags, name, got, warning in [
                (['-I', '20m'], 'item_size_max', 16 << 20, '-I: 16777216 bytes, a quarter of -m, instead of 20971520'),
                (['-m', '8', '-I', '4m'], 'item_size_max', 2 << 20,
                 '-I: 2097152 bytes, a quarter of -m, instead of 4194304'),
                (['-t', '1025', '-c', '10'], 'num_threads', 1024, '-t: 1024 of 1025 threads'),
                (['-o', 'watcher_logbuf_size=2000000'], 'watcher_logbuf_size', 1 << 30,
                 '-o watcher_logbuf_size: 1048576 instead of 2000000')]:
            with self.subTest(flags=flags):
                server = self.server(*flags)
                self.assertEqual(str(got), server.stats('settings')[name])
                self.assertEqual(f'netd: warning: {warning}', server.stderr().splitlines()[0])
                self.assertEqual(END, server.ask(b'get a\r\n'))

    def test_of_a_long_delimiter_the_first_character_counts(self):
        server = self.server('-D', '::')
        self.check_serves(server, ["-D: of '::' the first character counts"])
        self.assertEqual(':', server.stats('settings')['stat_key_prefix'])

    def test_large_pages_are_not_used(self):
        self.check_serves(self.server('-L'), ['-L: large pages are not used'])

    def test_empty_elements_of_a_list_of_addresses_are_none(self):
        for addresses in ['127.0.0.1,', ',127.0.0.1', '127.0.0.1,;127.0.0.2']:
            with self.subTest(addresses=addresses):
                self.check_serves(self.server('-l', addresses, '-p', free_port()))

    def test_nobody_need_be_let_wait(self):
        # A UNIX socket would refuse whoever comes before the last one has been accepted.
        self.check_serves(self.tcp_server('-b', '0'))

    def test_UDP_alone(self):
        port, ports = free_port(), self.path('ports')
        process = subprocess.Popen([NETD, *user_flags(), '-l', '127.0.0.1', '-p', '0', '-U', str(port)],
                                   env={**os.environ, 'MEMCACHED_PORT_FILENAME': ports})
        try:
            wait_until(lambda: os.path.exists(ports), 'the ports are written')
            with Client(port) as client:
                self.assertEqual([(0, 1, END)], client.ask(b'get a\r\n'))
            with open(ports, encoding='ascii') as file:
                self.assertEqual(f'UDP INET: {port}\n', file.read())
        finally:
            process.terminate()
            self.assertEqual(0, process.wait(DEADLINE_S))

    def test_nothing_to_listen_on_is_told(self):
        for flags in [['-p', '0'], ['-p', '0', '-U', '0']]:
            result = subprocess.run([NETD, *user_flags(), *flags], capture_output=True, text=True, timeout=DEADLINE_S)
            self.assertEqual((USAGE, "netd: -p: '0' leaves nothing to listen on; give -s or -U\n"),
                             (result.returncode, result.stderr))


class Users(StartTestCase):
    def ids(self, server):
        """The user and the group that a server runs as, and other groups it is in."""
        with open(f'/proc/{server.pid}/status', encoding='ascii') as file:
            status = file.read()
        ids = [re.search(rf'{name}:(.*)', status)[1].split() for name in ['Uid', 'Gid', 'Groups']]
        self.assertEqual([1, 1], [len(set(each)) for each in ids[:2]], ids)
        return int(ids[0][0]), int(ids[1][0]), ids[2]

    @unittest.skipUnless(IS_ROOT, 'only root changes to another user')
    def test_numbers(self):
        for user, ids in [('12345', (12345, 12345, [])), ('12345:54321', (12345, 54321, [])),
                          ('nobody:54321', (NOBODY, 54321, [])), (f'{NOBODY}', (NOBODY, NOBODY, [])),
                          ('nobody:root', (NOBODY, 0, [])), ('0:54321', (0, 54321, []))]:
            with self.subTest(user=user):
                server = self.tcp_server('-u', user)
                self.check_serves(server)
                self.assertEqual(ids, self.ids(server))

    @unittest.skipUnless(IS_ROOT, 'only root changes to another user')
    def test_what_is_neither_a_name_nor_a_number_exits_with_67(self):
        for user, unknown in [('no-such-user', "user 'no-such-user'"), ('4294967295', "user '4294967295'"),
                              ('-1', "user '-1'"), (':1', "user ''"), ('nobody:', "group ''"),
                              ('nobody:no-such-group', "group 'no-such-group'")]:
            with self.subTest(user=user):
                result = subprocess.run([NETD, '-u', user, '-p', str(free_port())], capture_output=True, text=True,
                                        timeout=DEADLINE_S)
                self.assertEqual((NO_USER, f'netd: -u: there is no {unknown}\n'), (result.returncode, result.stderr))

    @unittest.skipUnless(IS_ROOT and HAS_NAMESPACES, 'there are no namespaces')
    def test_numbers_without_etc(self):
        for user, ids in [('12345', (12345, 12345, [])), ('12345:54321', (12345, 54321, [])), ('0', (0, 0, ['0']))]:
            with self.subTest(user=user):
                server = self.tcp_server('-u', user, under=Surroundings.without_directory('/etc'))
                self.check_serves(server)
                self.assertEqual(ids[:2], self.ids(server)[:2])

    @unittest.skipIf(IS_ROOT, 'root has to be somebody')
    def test_who_is_not_root_stays_who_he_is(self):
        for user in ['no-such-user', '12345']:
            self.check_serves(self.server('-u', user))

    @unittest.skipUnless(IS_ROOT, 'only root changes to another user')
    def test_a_root_that_may_not_change_its_groups_keeps_them(self):
        under = ['setpriv', f'--regid={NOBODY}', '--clear-groups', '--inh-caps=-setgid', '--bounding-set=-setgid']
        server = self.tcp_server('-u', 'nobody', under=under)
        self.check_serves(server, ['-u: cannot give up supplementary groups: Operation not permitted'])
        self.assertEqual((NOBODY, NOBODY, []), self.ids(server))


class Surroundings(StartTestCase):
    @staticmethod
    def without_directory(*paths):
        """A command for `Server(under=...)`: these directories are empty."""
        return ['unshare', '-m', *shell(' && '.join(f'mount -t tmpfs none {path}' for path in paths))]

    @unittest.skipUnless(HAS_NAMESPACES, 'there are no namespaces')
    @unittest.skipIf(SANITIZED, 'sanitizers need /proc')
    def test_without_proc_sys_and_dev(self):
        # The loader finds what lies relative to a program through /proc.
        libraries = os.path.join(os.path.dirname(NETD), '..', 'lib')
        for paths in [['/proc'], ['/sys'], ['/dev'], ['/proc', '/sys', '/dev']]:
            with self.subTest(paths=paths):
                server = self.server(under=self.without_directory(*paths), environment={'LD_LIBRARY_PATH': libraries})
                self.check_serves(server)
                self.assertIn('pid', server.stats())

    @unittest.skipUnless(HAS_NAMESPACES, 'there are no namespaces')
    def test_where_nothing_can_be_written(self):
        read_only = ['unshare', '-m', *shell('mount -o remount,bind,ro / && mount -t tmpfs -o ro none /run')]
        server = self.tcp_server('-P', '/run/pid', under=read_only)
        self.check_serves(server, ['cannot write /run/pid: Read-only file system'])

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_without_IPv6(self):
        with Faults() as faults:
            for reason in [errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES, errno.EINVAL]:
                with self.subTest(reason=errno.errorcode[reason]):
                    faults.ipv6_errno = reason
                    port = free_port()
                    server = self.server('-p', port, environment=faults.environment())
                    self.assertEqual(END, server.ask(b'get a\r\n'))
                    self.assertEqual(f'netd: listening on loopback only: 127.0.0.1:{port}; '
                                     '-l <addr> serves other hosts\n', server.stderr())
                    result = subprocess.run([NETD, *user_flags(), '-l', '::1', '-p', str(port)], capture_output=True,
                                            text=True, env={**os.environ, **faults.environment()}, timeout=DEADLINE_S)
                    self.assertEqual((OS_ERROR, f'netd: cannot listen on ::1: {os.strerror(reason)}\n'),
                                     (result.returncode, result.stderr))

    def test_with_closed_streams(self):
        for closed in ['<&-', '>&-', '2>&-', '<&- >&-', '<&- >&- 2>&-']:
            with self.subTest(closed=closed):
                server = self.server('-vv', under=['sh', '-c', f'exec "$@" {closed}', 'sh'])
                with server.connect() as client:
                    # What is logged goes to no client.
                    self.assertEqual(STORED + value(b'a', b'1') + END, client.ask(store(b'a', b'1') + b'get a\r\n'))
                self.assertFalse(any(re.match(r'socket:|pipe:|anon_inode:', os.readlink(f'/proc/{server.pid}/fd/{fd}'))
                                     for fd in range(3)))

    def test_a_daemon_with_closed_streams(self):
        port, pid_file = free_port(), self.path('pid')
        command = [NETD, *user_flags(), '-d', '-l', '127.0.0.1', '-p', str(port), '-P', pid_file]
        result = subprocess.run(['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', *command], timeout=DEADLINE_S)
        self.assertEqual(0, result.returncode)
        with open(pid_file, encoding='ascii') as file:
            pid = int(file.read())
        with Connection(('127.0.0.1', port)) as client:
            self.assertEqual(END, client.ask(b'get a\r\n'))
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 'the daemon ends')

    def test_with_an_empty_environment_and_all_signals_ignored(self):
        self.check_serves(self.server(under=['env', '-i', '--ignore-signal']))

    def test_a_failed_daemon_is_told_while_SIGCHLD_is_ignored(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            command = [NETD, *user_flags(), '-d', '-l', '127.0.0.1', '-p', str(taken.getsockname()[1])]
            result = subprocess.run(['env', '--ignore-signal=CHLD', *command], capture_output=True, timeout=DEADLINE_S)
        self.assertEqual(OS_ERROR, result.returncode)


class WhereMemcachedStarts(StartTestCase):
    FLAGS = [
        [], ['stray'], ['-m', '2'], ['-m', '8', '-I', '4m'], ['-I', '32m'], ['-I', '512k'],
        ['-t', '1'], ['-t', '100'], ['-c', '100'], ['-b', '-1'], ['-R', '1'], ['-f', '1.01'], ['-n', '1'],
        ['-D', '::'], ['-a', '01777'], ['-P', '/missing/pid'], ['-k'], ['-C'], ['-M'], ['-A'], ['-F'],
        ['-X'], ['-W'], ['-vvvvv'], ['-N', '2'], ['-U', '0'], ['-B', 'ascii'], ['-B', 'auto'],
        *(['-o', option] for option in [
            '', 'modern,', 'maxconns_fast', 'no_maxconns_fast', 'hashpower=20', 'no_hashexpand', 'slab_reassign',
            'no_slab_reassign', 'slab_automove', 'slab_automove=2', 'slab_automove=', 'no_slab_automove',
            'slab_automove_ratio=1', 'slab_automove_window=10', 'slab_automove_freeratio=0.01', 'tail_repair_time=10',
            'hash_algorithm=xxh3', 'hash_algorithm=murmur3', 'lru_crawler', 'no_lru_crawler', 'lru_crawler_sleep=5',
            'lru_crawler_tocrawl=7', 'lru_maintainer', 'no_lru_maintainer', 'hot_lru_pct=20', 'warm_lru_pct=79',
            'hot_lru_pct=79,warm_lru_pct=1', 'hot_max_factor=0.2', 'warm_max_factor=5', 'temporary_ttl=0',
            'idle_timeout=0', 'idle_timeout=7', 'watcher_logbuf_size=0', 'watcher_logbuf_size=64',
            'watcher_logbuf_size=2000000', 'worker_logbuf_size=0', 'worker_logbuf_size=64', 'slab_sizes=100-200-300',
            'slab_chunk_max=512', 'track_sizes', 'no_chunked_items', 'inline_ascii_resp', 'no_inline_ascii_resp',
            'modern', 'no_modern', 'modern=1', 'resp_obj_mem_limit=5', 'read_buf_mem_limit=16', 'no_drop_privileges',
            'sock_cookie_id=3']),
    ]
    RESOURCES = ['--nofile=1024:1024', '--nofile=64:64', '--stack=65536', '--stack=unlimited', '--rss=0',
                 '--memlock=0:0', '--fsize=0:0', '--sigpending=0:0', '--msgqueue=0:0', '--rtprio=0:0', '--nice=0:0']

    def setUp(self):
        super().setUp()
        require(MEMCACHED, 'memcached')

    def check(self, *flags, **options):
        try:
            self.start(MEMCACHED, *flags, **options)
        except AssertionError:
            return
        self.start(NETD, *flags, **options)

    def start(self, program, *flags, **options):
        server = Server(program, *flags, **options)
        try:
            self.assertEqual(END, server.ask(b'get a\r\n'))
        finally:
            server.kill()

    def test_with_these_flags(self):
        for flags in self.FLAGS:
            with self.subTest(flags=flags):
                self.check(*flags)

    @unittest.skipIf(SANITIZED, 'sanitizers take what they need')
    def test_under_these_limits(self):
        for limit in self.RESOURCES:
            for flags in [[], ['-k', '-v', '-c', '60']]:
                with self.subTest(limit=limit, flags=flags):
                    self.check(*flags, under=limited(limit))


if __name__ == '__main__':
    unittest.main()
