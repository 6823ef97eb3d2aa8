"""netd as operators start and stop it: flags, exit codes, files, sockets and signals."""

import contextlib
import errno
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import threading
import unittest

from faults import SHIM, Faults
from support import (DEADLINE_S, GRACE_S, NETD, SANITIZED, Connection, NetdTestCase, Server, free_port, is_alive,
                     require, user_flags, wait_until)
from vectors import END, EXISTS, NO_MEMORY, STORED, TOO_LARGE, store, value

USAGE, NO_USER, OS_ERROR = 64, 67, 71


def setUpModule():
    require(NETD, 'netd')


def run(*flags, **options):
    """Runs a netd that is expected to end by itself."""
    return subprocess.run([NETD, *map(str, flags)], capture_output=True, text=True, timeout=DEADLINE_S, **options)


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


@contextlib.contextmanager
def limited(what, maximum):
    """What is started meanwhile has that limit."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (maximum, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def listening(pid):
    """The TCP addresses at which a process listens, as 'address:port' in the kernel's hexadecimal."""
    inodes = set()
    for fd in os.listdir(f'/proc/{pid}/fd'):
        # A connection may close meanwhile; what listens does not.
        with contextlib.suppress(FileNotFoundError):
            if match := re.match(r'socket:\[(\d+)\]', os.readlink(f'/proc/{pid}/fd/{fd}')):
                inodes.add(match[1])
    addresses = []
    for table in ['tcp', 'tcp6']:
        with open(f'/proc/{pid}/net/{table}', encoding='ascii') as rows:
            for row in list(rows)[1:]:
                fields = row.split()
                if fields[3] == '0A' and fields[9] in inodes:
                    addresses.append(fields[1])
    return addresses


def listening_on_loopback(pid):
    """The ports at which a process listens; that they are loopback's is asserted."""
    ports = []
    for address in listening(pid):
        host, port = address.split(':')
        assert host.endswith('7F') or host == '00000000000000000000000001000000', f'{address} is not loopback'
        ports.append(int(port, 16))
    return ports


class CommandLineTestCase(NetdTestCase):
    def check_refused(self, *flags, exit_codes, naming):
        """That netd with these flags ends with one line that names the cause, and leaves nothing behind."""
        result = run(*user_flags(), *flags)
        self.assertIn(result.returncode, exit_codes, result.stderr)
        self.assertEqual(1, len(result.stderr.splitlines()), result.stderr)
        for name in naming:
            self.assertIn(name, result.stderr)
        self.assertEqual([], os.listdir(self.directory))


class Information(CommandLineTestCase):
    def test_help_lists_the_flags_and_exits_with_0(self):
        for flag in ['-h', '--help']:
            result = run(flag)
            self.assertEqual((0, ''), (result.returncode, result.stderr))
            for name in ['-p, --port', '-m, --memory-limit', '-P, --pidfile', '-s, --unix-socket']:
                self.assertIn(name, result.stdout)

    def test_version_is_one_line_and_exits_with_0(self):
        for flag in ['-V', '--version']:
            result = run(flag)
            self.assertEqual((0, ''), (result.returncode, result.stderr))
            self.assertRegex(result.stdout, r'\A\S+ \d+\.\d+\.\d+\S*\n\Z')


class RefusedFlags(CommandLineTestCase):
    def test_an_unknown_option_exits_with_1(self):
        for flag in ['--nonsense', '-Q']:
            with self.subTest(flag=flag):
                self.check_refused(flag, exit_codes=[1], naming=[flag.lstrip('-')])

    def test_a_flag_without_its_value_exits_with_1(self):
        for flag in ['-p', '-m', '-l', '-P']:
            with self.subTest(flag=flag):
                self.check_refused(flag, exit_codes=[1], naming=[flag.lstrip('-')])

    def test_a_malformed_number_is_named_with_its_flag(self):
        for flag in ['-p', '-m', '-c', '-t', '-R', '-b', '-I', '-a']:
            for number in ['abc', '12x', '-7', '1.5', '99999999999999999999']:
                with self.subTest(flag=flag, number=number):
                    self.check_refused(flag, number, exit_codes=[1, USAGE], naming=[flag, number])

    def test_numbers_that_must_not_be_0_are_refused(self):
        for flag in ['-m', '-c', '-t', '-R', '-I']:
            with self.subTest(flag=flag):
                self.check_refused(flag, '0', exit_codes=[1, USAGE], naming=[flag, '0'])

    def test_a_malformed_value_of_a_long_option_is_named(self):
        for flags in [['--memory-limit=abc'], ['--memory-limit', 'abc']]:
            with self.subTest(flags=flags):
                self.check_refused(*flags, exit_codes=[1, USAGE], naming=['-m', 'abc'])

    def test_a_port_above_65535_exits_with_64(self):
        self.check_refused('-p', '65536', exit_codes=[USAGE], naming=['-p', '65536'])

    def test_an_octal_mask_with_other_digits_is_refused(self):
        self.check_refused('-s', self.path('socket'), '-a', '0799', exit_codes=[1, USAGE], naming=['-a', '0799'])

    def test_features_that_would_be_missed_are_refused(self):
        for flags in [['-U', '11211', '-Y', '/dev/null'], ['-S'], ['-B', 'binary'], ['-o', 'ext_path=/x:1G'], ['-o', 'nonsense']]:
            with self.subTest(flags=flags):
                self.check_refused(*flags, exit_codes=[1, USAGE], naming=flags[:1])

    def test_the_item_limit_is_from_1_KiB_to_half_of_the_memory(self):
        for memory, too_small_or_large in [('64', '1023'), ('4', '2049k'), ('4', '2097153'), ('8', '5m')]:
            with self.subTest(memory=memory, item=too_small_or_large):
                self.check_refused('-m', memory, '-I', too_small_or_large, exit_codes=[1, USAGE], naming=['-I'])
        for memory, item, data in [('64', '1024', 1024), ('64', '1k', 1024), ('4', '1m', 1 << 20),
                                     ('64', '16m', 16 << 20)]:
            with self.subTest(memory=memory, item=item), Server(NETD, '-m', memory, '-I', item) as server:
                self.assertEqual(str(data), server.stats('settings')['item_size_max'])

    @unittest.skipUnless(os.geteuid() == 0, 'only root has to say -u')
    def test_root_must_say_whom_to_run_as(self):
        result = run('-p', free_port())
        self.assertEqual(USAGE, result.returncode)
        self.assertIn('-u', result.stderr)


class FailedStarts(CommandLineTestCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def test_a_port_in_use_exits_with_71(self):
        with socket.create_server(('127.0.0.1', self.port)):
            for more in [[], ['-d']]:
                with self.subTest(more=more):
                    self.check_refused('-l', '127.0.0.1', '-p', self.port, '-P', self.path('pid'),
                                       '-s', self.path('socket'), *more,
                                       exit_codes=[OS_ERROR], naming=[str(self.port)])

    def test_a_port_in_use_by_another_netd_exits_with_71_and_leaves_that_alone(self):
        other = self.server('-l', '127.0.0.1', '-p', self.port)
        self.check_refused('-l', '127.0.0.1', '-p', self.port, exit_codes=[OS_ERROR], naming=[str(self.port)])
        self.assertEqual(END, other.ask(b'get a\r\n'))

    def test_an_address_that_is_none_or_not_ours_exits_with_71(self):
        for address in ['300.1.2.3', '192.0.2.1', '2001:db8::1']:
            with self.subTest(address=address):
                self.check_refused('-l', address, '-p', self.port, '-P', self.path('pid'),
                                   exit_codes=[OS_ERROR], naming=[address])

    @unittest.skipUnless(os.geteuid() == 0, 'only root changes to another user')
    def test_an_unknown_user_exits_with_67(self):
        result = run('-u', 'no-such-user', '-p', self.port, '-P', self.path('pid'), '-s', self.path('socket'))
        self.assertEqual(NO_USER, result.returncode)
        self.assertEqual(1, len(result.stderr.splitlines()), result.stderr)
        self.assertIn('no-such-user', result.stderr)
        self.assertEqual([], os.listdir(self.directory))

    def test_a_socket_path_that_cannot_be_bound_is_a_failed_start(self):
        too_long = self.path('x' * 200)
        for path in [self.path('missing/socket'), too_long]:
            with self.subTest(path=path):
                self.check_refused('-s', path, '-P', self.path('pid'), exit_codes=[1, OS_ERROR], naming=[path])

    def test_a_socket_whose_server_has_stopped_is_in_use_and_not_waited_for(self):
        path = self.path('socket')
        with contextlib.ExitStack() as stack:
            stopped = stack.enter_context(socket.socket(socket.AF_UNIX))
            stopped.bind(path)
            stopped.listen(0)
            # As many wait to be accepted as can.
            error = 0
            while error == 0:
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                error = client.connect_ex(path)
            self.assertEqual(errno.EAGAIN, error)
            result = run(*user_flags(), '-s', path)
        self.assertEqual((OS_ERROR, f'netd: cannot listen on {path}: Address already in use\n'),
                         (result.returncode, result.stderr))
        self.assertEqual(['socket'], os.listdir(self.directory))

    def test_a_socket_of_another_kind_that_is_in_use_is_not_removed(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(self.path('socket'))
            result = run(*user_flags(), '-s', self.path('socket'))
        self.assertEqual(OS_ERROR, result.returncode, result.stderr)
        self.assertEqual(['socket'], os.listdir(self.directory))

    def test_a_file_that_is_no_socket_is_not_removed(self):
        with open(self.path('precious'), 'w', encoding='ascii') as file:
            file.write('data')
        result = run(*user_flags(), '-s', self.path('precious'))
        self.assertNotEqual(0, result.returncode)
        self.assertEqual('data', read(self.path('precious')))


class Daemon(CommandLineTestCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.pid_file = self.path('memcached.pid')

    def start(self):
        """The tutorial's command line, letter for letter, with netd for memcached."""
        result = run('-d', '-m', '10', '-u', 'root', '-l', '127.0.0.1', '-p', self.port, '-c', '256',
                     '-P', self.pid_file)
        self.assertEqual((0, '', ''), (result.returncode, result.stdout, result.stderr))
        pid = int(wait_until(lambda: os.path.exists(self.pid_file) and read(self.pid_file), 'the pid file is written'))
        self.addCleanup(lambda: is_alive(pid) and os.kill(pid, signal.SIGKILL))
        return pid

    def test_the_tutorial_s_daemon_serves_until_it_is_stopped_by_the_pid_in_its_file(self):
        pid = self.start()
        self.assertEqual(f'{pid}\n', read(self.pid_file))
        with Connection(('127.0.0.1', self.port)) as connection:
            self.assertEqual(STORED + value(b'a', b'1') + END, connection.ask(store(b'a', b'1') + b'get a\r\n'))
            stats = connection.stats()
        self.assertEqual((str(pid), str(10 << 20), '256'),
                         (stats['pid'], stats['limit_maxbytes'], stats['max_connections']))

        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 'the daemon ends')
        self.assertEqual([], os.listdir(self.directory))
        with self.assertRaises(ConnectionRefusedError):
            Connection(('127.0.0.1', self.port))

    def test_a_daemon_has_let_go_of_terminal_session_and_directory(self):
        pid = self.start()
        self.assertEqual('/', os.readlink(f'/proc/{pid}/cwd'))
        self.assertNotEqual(os.getsid(0), os.getsid(pid))
        self.assertEqual(['/dev/null'] * 3, [os.readlink(f'/proc/{pid}/fd/{fd}') for fd in range(3)])
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 'the daemon ends')

    def test_a_pid_file_in_the_directory_of_the_start_is_found_after_the_daemon_has_left_it(self):
        result = run('-d', *user_flags(), '-l', '127.0.0.1', '-p', self.port, '-P', 'memcached.pid', cwd=self.directory)
        self.assertEqual((0, ''), (result.returncode, result.stderr))
        pid = int(wait_until(lambda: os.path.exists(self.pid_file) and read(self.pid_file), 'the pid file is written'))
        self.addCleanup(lambda: is_alive(pid) and os.kill(pid, signal.SIGKILL))
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 'the daemon ends')
        self.assertEqual([], os.listdir(self.directory))

    def test_without_d_the_pid_file_is_written_and_removed_as_well(self):
        server = self.server('-P', self.pid_file)
        wait_until(lambda: os.path.exists(self.pid_file), 'the pid file is written')
        self.assertEqual(f'{server.pid}\n', read(self.pid_file))
        server.stop()
        self.assertEqual([], os.listdir(self.directory))

    def test_the_pid_file_of_a_process_that_died_is_replaced(self):
        with open(self.pid_file, 'w', encoding='ascii') as file:
            file.write('2147483646\n')
        server = self.server('-P', self.pid_file)
        wait_until(lambda: read(self.pid_file) == f'{server.pid}\n', 'the pid file is written')


class Sockets(CommandLineTestCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def check_serves(self, address):
        with Connection(address) as connection:
            self.assertEqual(END, connection.ask(b'get a\r\n'))

    def test_a_UNIX_socket_has_the_permissions_of_the_mask(self):
        for flags, mode in [([], 0o700), (['-a', '0777'], 0o777), (['-a', '660'], 0o660),
                            (['--unix-mask=0600'], 0o600)]:
            with self.subTest(flags=flags):
                with Server(NETD, '-s', self.path('socket'), *flags):
                    self.assertEqual(mode, stat.S_IMODE(os.stat(self.path('socket')).st_mode))
                self.assertEqual([], os.listdir(self.directory), 'the socket is removed')

    def test_a_UNIX_socket_alone_opens_no_port(self):
        server = self.server('-s', self.path('socket'))
        self.assertEqual([], listening(server.pid))

    def test_a_UNIX_socket_and_a_port_serve_the_same_cache(self):
        server = self.server('-s', self.path('socket'), '-p', self.port)
        server.ask(store(b'a', b'1'))
        with Connection(self.path('socket')) as connection:
            self.assertEqual(value(b'a', b'1') + END, connection.ask(b'get a\r\n'))

    def test_port_0_is_no_port(self):
        server = self.server('-s', self.path('socket'), '-p', '0')
        self.assertEqual([], listening(server.pid))
        self.check_serves(self.path('socket'))

    def test_a_socket_file_that_a_dead_server_left_is_replaced(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.path('socket'))
        self.server('-s', self.path('socket'))
        self.check_serves(self.path('socket'))

    def test_without_l_only_loopback_is_served_and_netd_says_so(self):
        server = self.server('-p', self.port)
        self.check_serves(('127.0.0.1', self.port))
        self.assertEqual({self.port}, set(listening_on_loopback(server.pid)))
        self.assertIn('loopback', server.stderr())

    def test_with_l_nothing_is_said_about_loopback(self):
        server = self.server('-l', '127.0.0.1', '-p', self.port)
        self.check_serves(('127.0.0.1', self.port))
        self.assertNotIn('loopback', server.stderr())

    def test_l_takes_several_addresses_and_ports(self):
        other = free_port()
        for flags in [['-l', f'127.0.0.1,127.0.0.2:{other}'], ['-l', '127.0.0.1', '-l', f'127.0.0.2:{other}'],
                      ['-l', f'127.0.0.1;127.0.0.2:{other}']]:
            with self.subTest(flags=flags), Server(NETD, '-p', self.port, *flags):
                self.check_serves(('127.0.0.1', self.port))
                self.check_serves(('127.0.0.2', other))

    def test_MEMCACHED_PORT_FILENAME_tells_the_port_that_the_system_chose(self):
        ports = self.path('ports')
        server = self.server('-l', '127.0.0.1', '-p', '-1', '-s', self.path('socket'), '-U', '-1',
                             environment={'MEMCACHED_PORT_FILENAME': ports})
        wait_until(lambda: os.path.exists(ports), 'the ports are written')
        lines = re.fullmatch(r'TCP INET: (\d+)\nUDP INET: (\d+)\n', read(ports))
        port = int(lines[1])
        self.assertEqual(lines.groups(), tuple(server.stats('settings')[name] for name in ['tcpport', 'udpport']))
        self.assertEqual([port], listening_on_loopback(server.pid))
        self.check_serves(('127.0.0.1', port))


class Health(CommandLineTestCase):
    def check(self, *flags, fault=None, environment=None):
        """`netd --health`: says nothing if the server answers, otherwise a line that matches `fault`."""
        def answer():
            result = subprocess.run([NETD, '--health', *map(str, flags)], capture_output=True, text=True,
                                    timeout=DEADLINE_S, env={**os.environ, **(environment or {})})
            # A second is not always enough for the answer on a busy machine.
            is_late = 'timed out' in result.stderr and 'timed out' not in (fault or '')
            return None if is_late else result

        result = wait_until(answer, 'there is an answer within a second')
        self.assertEqual((0 if fault is None else 1, ''), (result.returncode, result.stdout), result.stderr)
        self.assertRegex(result.stderr, r'\A\Z' if fault is None else rf'\Anetd: {fault}\n\Z')

    def test_a_server_on_a_port_answers(self):
        port = free_port()
        with Server(NETD, '-p', port, '-l', '127.0.0.1'):
            self.check('-p', port)
            self.check('-p', port, '-l', '127.0.0.1')
            self.check('-l', f'127.0.0.2,127.0.0.1:{port}', '-p', free_port())
            self.check(environment={'NETD_PORT': str(port), 'NETD_LISTEN': '*'})
            self.check('-p', port, '-l', '127.0.0.2', fault=f'no answer from 127.0.0.2 port {port}: Connection refused')
        self.check('-p', port, fault=rf'no answer from .*127.0.0.1 port {port}: Connection refused.*')

    def test_a_server_on_a_UNIX_socket_answers(self):
        path = self.path('socket')
        with Server(NETD, '-s', path):
            self.check('-s', path)
        self.check('-s', path, fault=f'no answer from {path}: No such file or directory')

    def test_a_server_that_wants_a_password_is_healthy(self):
        users = self.path('users')
        with open(users, 'w', encoding='ascii') as file:
            file.write('a:b\n')
        with Server(NETD, '-Y', users) as server:
            self.check('-s', server.address)

    def test_silence_for_a_second_is_a_fault_and_so_is_any_other_answer(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
            self.check('-l', '127.0.0.1', '-p', port, fault=f'no answer from 127.0.0.1 port {port}: .*timed out')

            def answer():
                client = listener.accept()[0]
                with listener.accept()[0] as other:
                    client.close()
                    other.sendall(b'HTTP/1.1 400 Bad Request\r\n')
                    other.recv(100)

            thread = threading.Thread(target=answer)
            thread.start()
            self.check('-l', '127.0.0.1', '-p', port,
                       fault=f'no answer from 127.0.0.1 port {port}: HTTP/1.1 400 Bad Request')
            thread.join()

    def test_a_port_that_nobody_could_know_is_refused(self):
        self.check('-p', '-1', fault="-p: '-1' does not tell which port to ask")


class Behaviour(CommandLineTestCase):
    """The flags that a client can notice."""

    def test_5_3_M_refuses_stores_when_memory_is_full_and_keeps_what_is_stored(self):
        server = self.server('-M', '-m', '4')
        with server.connect() as connection:
            stored = 0
            while (reply := connection.ask(store(b'key%d' % stored, bytes(10000)))) == STORED:
                stored += 1
                self.assertLess(stored, 1000, 'ten times the memory')
            self.assertEqual(NO_MEMORY, reply)
            self.assertGreater(stored * 10000, 2 << 20)
            for i in range(stored):
                self.assertEqual(value(b'key%d' % i, bytes(10000)) + END, connection.ask(b'get key%d\r\n' % i))
            stats = connection.stats()
            self.assertEqual(('0', '1', str(stored)),
                             (stats['evictions'], stats['store_no_memory'], stats['curr_items']))

    def test_M_makes_room_when_something_is_deleted(self):
        server = self.server('-M', '-m', '4')
        with server.connect() as connection:
            stored = 0
            while connection.ask(store(b'key%d' % stored, bytes(100000))) == STORED:
                stored += 1
            connection.ask(b''.join(b'delete key%d\r\n' % i for i in range(stored)))
            self.assertEqual(STORED, connection.ask(store(b'after', bytes(100000))))

    def test_without_M_old_items_make_room(self):
        server = self.server('-m', '4')
        with server.connect() as connection:
            for i in range(1000):
                self.assertEqual(STORED, connection.ask(store(b'key%d' % i, bytes(10000))))
            self.assertEqual(value(b'key999', bytes(10000)) + END, connection.ask(b'get key999\r\n'))
            stats = connection.stats()
            self.assertEqual(1000, int(stats['evictions']) + int(stats['curr_items']))

    def test_C_takes_away_cas_numbers(self):
        server = self.server('-C')
        self.assertEqual(STORED + b'VALUE a 0 1 0\r\n1\r\n' + END + EXISTS * 2,
                         server.ask(store(b'a', b'1') + b'gets a\r\ncas a 0 0 1 0\r\n2\r\ncas a 0 0 1 1\r\n2\r\n'))

    def test_F_forbids_flush_all(self):
        server = self.server('-F')
        self.assertEqual(STORED + b'CLIENT_ERROR flush_all not allowed\r\n' + value(b'a', b'1') + END,
                         server.ask(store(b'a', b'1') + b'flush_all\r\nget a\r\n'))
        self.assertEqual('1', server.stats()['cmd_flush'])

    def test_I_is_the_longest_item(self):
        server = self.server('-I', '2k')
        self.assertEqual(STORED + TOO_LARGE, server.ask(store(b'a', bytes(1988)) + store(b'a', bytes(1989))))

    def test_c_turns_away_one_connection_too_many_with_a_word(self):
        server = self.server('-c', '5')
        with server.connect() as first:
            # The connection that saw the server come up may not be gone yet.
            wait_until(lambda: first.stats()['curr_connections'] == '1', 'one connection is left')
            others = [self.enterContext(server.connect()) for _ in range(4)]
            for other in others:
                self.assertEqual(END, other.ask(b'get a\r\n'))
            with server.connect() as one_too_many:
                self.assertEqual(b'ERROR Too many open connections\r\n', one_too_many.read_to_end())
            self.assertEqual('1', first.stats()['rejected_connections'])
            others[0].close()
            wait_until(lambda: first.stats()['curr_connections'] == '4', 'the closed connection is gone')
            self.assertEqual(END, server.ask(b'get a\r\n'))

    def test_R_makes_a_long_pipeline_yield(self):
        server = self.server('-R', '5')
        with server.connect() as connection:
            before = int(connection.stats()['conn_yields'])
            self.assertEqual(END * 1000, connection.ask(b'get a\r\n' * 1000))
            self.assertGreaterEqual(int(connection.stats()['conn_yields']) - before, 100)

    def test_a_connection_that_asks_one_thing_at_a_time_does_not_yield(self):
        server = self.server('-R', '5')
        with server.connect() as connection:
            for _ in range(20):
                connection.ask(b'get a\r\n')
            self.assertEqual('0', connection.stats()['conn_yields'])

    def test_t_is_the_number_of_workers(self):
        one, eight = self.server('-t', '1'), self.server('-t', '8')
        self.assertEqual(('1', '8'), (one.stats()['threads'], eight.stats()['threads']))
        self.assertEqual(7, len(os.listdir(f'/proc/{eight.pid}/task')) - len(os.listdir(f'/proc/{one.pid}/task')))

    def test_vv_shows_commands_and_v_does_not(self):
        for flags, shown in [(['-vv'], True), (['-v', '-v'], True), (['-v'], False), ([], False)]:
            with self.subTest(flags=flags), Server(NETD, *flags) as server:
                server.ask(b'get conspicuous\r\n')
                self.assertEqual(shown, 'get conspicuous' in server.stderr())

    def test_vv_shows_a_long_reply_behind_others(self):
        server = self.server('-vv')
        long_value = b'v' * 100000
        requests = store(b'a', b'1') + store(b'long', long_value) + b'get a\r\nget long\r\n'
        replies = STORED * 2 + value(b'a', b'1') + END + value(b'long', long_value) + END
        self.assertEqual(replies, server.ask(requests))
        self.assertRegex(server.stderr(), r'>\d+ VALUE a 0 1\n<\d+ get long\n>\d+ VALUE long 0 100000\n')

    def test_the_last_of_repeated_flags_wins(self):
        server = self.server('-m', '10', '-m', '20', '--memory-limit=30')
        self.assertEqual(str(30 << 20), server.stats()['limit_maxbytes'])

    def test_the_long_forms_say_the_same(self):
        server = self.server('--memory-limit=32', '--conn-limit', '77', '--threads=2', '--max-reqs-per-event=7',
                             '--disable-cas', '--disable-flush-all', '--disable-evictions', '--max-item-size=2m',
                             '--listen-backlog=99', '--verbose')
        settings = server.stats('settings')
        expected = dict(maxbytes=str(32 << 20), maxconns='77', num_threads='2', reqs_per_event='7', cas_enabled='no',
                        flush_enabled='no', evictions='off', item_size_max=str(2 << 20), tcp_backlog='99',
                        verbosity='1')
        self.assertEqual(expected, {name: settings[name] for name in expected})

    def test_flags_that_only_tune_memcached_are_accepted(self):
        server = self.server('-U', '0', '-B', 'ascii', '-f', '1.5', '-n', '64', '-k', '-r', '-o',
                             'hashpower=16,no_lru_crawler,no_lru_maintainer,slab_automove=0,modern,idle_timeout=0')
        self.assertEqual(END, server.ask(b'get a\r\n'))

    @unittest.skipIf(SANITIZED, 'sanitizers reserve more')
    def test_64_MiB_need_less_than_a_gigabyte_of_address_space(self):
        with limited(resource.RLIMIT_AS, 1_024_000_000):
            server = self.server('-m', '64', '-t', '8')
        large = os.urandom(500_000)
        with contextlib.ExitStack() as stack:
            for connection in [stack.enter_context(server.connect()) for _ in range(40)]:
                for i in range(20):
                    self.assertEqual(STORED, connection.ask(store(b'large%d' % i, large)))
                self.assertEqual(value(b'large19', large) + END, connection.ask(b'get large19\r\n'))


class Stopping(CommandLineTestCase):
    def server_with_faults(self):
        """A server, and the faults whose clock it goes by."""
        faults = self.enterContext(Faults())
        return self.server(environment=faults.environment()), faults

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_SIGTERM_and_SIGINT_end_after_2_seconds_whatever_is_connected(self):
        for signal_number in [signal.SIGTERM, signal.SIGINT]:
            with self.subTest(signal=signal_number.name):
                server, faults = self.server_with_faults()
                idle = [self.enterContext(server.connect()) for _ in range(20)]
                for connection in idle:
                    connection.ask(b'get a\r\n')
                half_a_request = self.enterContext(server.connect())
                half_a_request.send_in_pieces([b'set a 0 0 100\r\nhalf'])
                reads_nothing = self.enterContext(server.connect())
                reads_nothing.ask(store(b'big', bytes(900000)))
                reads_nothing.send_in_pieces([b'get big\r\n' * 100])
                faults.stop_clock()
                os.kill(server.pid, signal_number)
                for connection in idle:
                    self.assertEqual(b'', connection.read_to_end())
                self.assertIsNone(server.process.poll(), 'it waits for the others')
                # The wait may not have begun yet.
                wait_until(lambda: faults.pass_time(GRACE_S) or server.process.poll() == 0, 'it waits no longer')
                self.assertEqual(b'', half_a_request.read_to_end())

    def test_a_signal_in_the_moment_of_the_start_ends_it_in_order(self):
        for _ in range(30):
            self.server('-s', self.path('socket'), '-P', self.path('pid')).stop()
            self.assertEqual([], os.listdir(self.directory))

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_what_has_been_read_is_answered_while_nobody_new_is_let_in(self):
        server, faults = self.server_with_faults()
        faults.stop_clock()  # Netd waits, however slowly this is read.
        connection = self.enterContext(server.connect())
        connection.ask(store(b'big', bytes(500000)))
        # Far more than a socket takes: most of it is still to be sent when the signal comes.
        connection.send(b'get big\r\n' * 30)
        first = connection.read_until(lambda reply: reply)
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: self.refuses_connections(server), 'new connections are refused')
        self.assertIsNone(server.process.poll(), 'there is still something to send')
        self.assertEqual((value(b'big', bytes(500000)) + END) * 30, first + connection.read_to_end())
        self.assertEqual(0, server.process.wait(DEADLINE_S))

    def test_the_shutdown_command_stops_netd_only_with_A(self):
        server = self.server()
        self.assertEqual(b'SERVER_ERROR: shutdown not enabled\r\n', server.ask(b'shutdown\r\n'))
        server = self.server('-A')
        with server.connect() as connection:
            connection.send(store(b'a', b'1') + b'shutdown\r\n')
            self.assertEqual(STORED, connection.read_to_end())
        self.assertEqual(0, server.process.wait(DEADLINE_S))

    def refuses_connections(self, server):
        try:
            server.connect().close()
            return False
        except OSError:
            return True


if __name__ == '__main__':
    unittest.main()
