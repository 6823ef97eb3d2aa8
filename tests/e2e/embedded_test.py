"""A program that serves its own cache, looked into by python3-memcache, by memcached-tool and byte for byte."""

import os
import subprocess
import sys
import unittest

from support import DEADLINE_S, Connection

SERVED_CACHE = os.environ['SERVED_CACHE']
LOOK_IN = os.environ['LOOK_IN']
MEMCACHED_TOOL = '/usr/share/memcached/scripts/memcached-tool'


class AServedCache(unittest.TestCase):
    def setUp(self):
        self.program = subprocess.Popen([SERVED_CACHE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1)
        self.address = self.program.stdout.readline().strip()

    def tearDown(self):
        """Ends the program; that it has written to stderr, as sanitizers do, is a failure."""
        self.program.stdin.close()
        try:
            exit_code = self.program.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.program.kill()
            exit_code = 'none, it had to be killed'
        self.program.stdout.close()
        with self.program.stderr as stderr:
            self.assertEqual((0, ''), (exit_code, stderr.read()))

    def remember(self, line):
        self.program.stdin.write(line + '\n')
        self.assertEqual(f'remembered {line}\n', self.program.stdout.readline())

    def run_tool(self, *command):
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE_S).stdout

    def test_a_python_client_looks_in_while_the_program_works(self):
        self.remember('milk')
        self.remember('bread')
        lines = self.run_tool(sys.executable, LOOK_IN, self.address, 'count', 'line:1', 'line:2', 'line:3').splitlines()
        self.assertEqual(['count = 2', 'line:1 = milk', 'line:2 = bread', 'curr_items 3'], lines[:4])
        self.assertEqual('can be changed from outside: False', lines[-1])
        self.assertIn('get_hits 3', lines)
        self.remember('salt')
        self.assertIn('count = 3', self.run_tool(sys.executable, LOOK_IN, self.address, 'count').splitlines())

    @unittest.skipUnless(os.path.exists(MEMCACHED_TOOL), 'memcached-tool is not here: it comes with memcached')
    def test_memcached_tool_looks_in(self):
        self.remember('milk')
        self.assertRegex(self.run_tool(MEMCACHED_TOOL, self.address, 'stats'), r'curr_items +2\b')
        self.assertRegex(self.run_tool(MEMCACHED_TOOL, self.address, 'display'), r'(?m)^ +1 .* 2 ')
        self.assertIn('add line:1 0 ', self.run_tool(MEMCACHED_TOOL, self.address, 'dump'))

    def test_clients_that_are_connected_do_not_keep_the_program_from_ending(self):
        host, port = self.address.split(':')
        with Connection((host, int(port))) as connection:
            self.assertEqual(b'MN\r\n', connection.ask(b'mn\r\n'))
            self.program.stdin.close()
            self.assertEqual(b'', connection.read_to_end())


if __name__ == '__main__':
    unittest.main()
