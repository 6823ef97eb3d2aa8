"""`netd --top`: a live view of a server, on a terminal and elsewhere."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from support import DEADLINE_S, MEMCACHED, NETD, NetdTestCase, Server, free_port, require
from vectors import store


def setUpModule():
    require(NETD, 'netd')


class Lines(NetdTestCase):
    def top(self, *address):
        process = subprocess.Popen([NETD, '--top', *address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def test_output_that_is_no_terminal_gets_a_line_each_second(self):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(os.path.basename(program)), Server(program) as server:
                server.ask(store(b'a', b'1') * 3)
                process = self.top(server.address)
                self.assertIn('gets/s', process.stdout.readline())
                columns = process.stdout.readline().split()
                self.assertEqual(9, len(columns))
                self.assertEqual('1', columns[6])
                process.send_signal(signal.SIGTERM)
                self.assertEqual(0, process.wait(DEADLINE_S))

    def test_it_ends_when_nobody_reads_any_more(self):
        server = self.server()
        process = self.top(server.address)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(0, process.wait(DEADLINE_S))

    def test_a_server_that_is_not_there_or_wants_a_password_is_told(self):
        process = self.top(f'127.0.0.1:{free_port()}')
        self.assertEqual(1, process.wait(DEADLINE_S))
        self.assertIn('no answer from 127.0.0.1', process.stderr.read())
        with open(self.path('users'), 'w', encoding='ascii') as users:
            users.write('user:secret\n')
        process = self.top(self.server('-Y', self.path('users')).address)
        self.assertEqual(1, process.wait(DEADLINE_S))
        self.assertIn('password', process.stderr.read())

    def test_it_goes_on_after_a_restart(self):
        flags = ['-s', self.path('again')]
        server = self.server(*flags)
        process = self.top(self.path('again'))
        process.stdout.readline()
        server.stop()
        while 'no answer' not in process.stdout.readline():
            pass
        self.server(*flags)
        while len(process.stdout.readline().split()) != 9:
            pass

    def test_the_address_may_be_given_by_the_flags_of_a_server(self):
        port = free_port()
        self.server('-p', port)
        process = subprocess.Popen([NETD, '--top', '-p', str(port)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertIn('gets/s', process.stdout.readline())


class OnTerminal(NetdTestCase):
    def setUp(self):
        super().setUp()
        self.netd = self.server()
        self.netd.ask(store(b'a', b'1') + store(b'b', b'x' * 500))
        self.terminal, other = pty.openpty()
        self.addCleanup(os.close, self.terminal)
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack('HHHH', 20, 90, 0, 0))
        self.before = termios.tcgetattr(other)
        self.process = subprocess.Popen([NETD, '--top', self.netd.address], stdin=other, stdout=other, stderr=other)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.other = other
        self.addCleanup(os.close, other)

    def read_until(self, text):
        shown = ''
        deadline = time.monotonic() + DEADLINE_S
        while text not in shown:
            if not select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                self.fail(f'{text!r} does not come after {shown[-2000:]!r}')
            shown += os.read(self.terminal, 1 << 16).decode()
        return shown

    def test_keys_sort_and_quit_and_the_terminal_is_as_it_was(self):
        self.read_until('size*')
        os.write(self.terminal, b's')
        self.read_until('items*')
        os.write(self.terminal, b'q')
        self.read_until('\x1b[?1049l')
        self.assertEqual(0, self.process.wait(DEADLINE_S))
        self.assertEqual(self.before, termios.tcgetattr(self.other))

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        self.read_until('size*')
        self.process.send_signal(signal.SIGINT)
        self.read_until('\x1b[?1049l')
        self.assertEqual(0, self.process.wait(DEADLINE_S))
        self.assertEqual(self.before, termios.tcgetattr(self.other))

    def test_a_server_that_ends_is_told_and_the_view_stays(self):
        self.read_until('size*')
        self.netd.stop()
        self.read_until('no answer')
        os.write(self.terminal, b'q')
        self.assertEqual(0, self.process.wait(DEADLINE_S))


if __name__ == '__main__':
    unittest.main()
