"""libmemcached's command line tools: their conformance test, and their output and exit codes."""

import os
import re
import subprocess
import tempfile
import unittest

from same_outcome import OneServerTestCase, require_program
from support import DEADLINE_S, host

# The package's names begin with `memc`; elsewhere they are memcp, memcat, memrm and so on.
require_program('memccapable', 'libmemcached-tools')


class ToolsTestCase(OneServerTestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix='larder-tools-'))

    def run_tool(self, *command):
        """The exit code, and the lines of stdout and stderr, sorted."""
        ended = subprocess.run(command, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               timeout=DEADLINE_S, check=False)
        return ended.returncode, sorted(ended.stdout.splitlines())

    def assert_tools(self, *steps):
        """Each step is the exit code and the output of a tool, and its command line without the server."""
        def script(server):
            return [(*self.run_tool(*command.split(), f'--servers={host(server)}'), command)
                    for *_, command in steps]

        self.assert_outcome(list(steps), script, self.servers)

    def write_file(self, name, text):
        with open(os.path.join(self.directory, name), 'w', encoding='ascii') as file:
            file.write(text)


class OnUnusedServers(ToolsTestCase):
    """memcached's dump shows what has been flushed, for a while."""

    def test_files_are_copied_shown_touched_and_removed(self):
        self.write_file('first', 'one')
        self.write_file('second', 'two')
        self.assert_tools(
            (1, [], 'memcexist first'),
            (0, [], 'memccp first second'),
            (0, ['one', 'two'], 'memccat first second'),
            (0, [], 'memcexist first'),
            (0, [], 'memctouch --expire=100 first'),
            (1, [], 'memctouch --expire=100 missing'),
            (0, ['first', 'second'], 'memcdump'),
            (0, [], 'memcrm first'),
            (1, [], 'memcrm first'),
            (1, [], 'memccat first'),
            (0, ['second'], 'memcdump'),
        )


class OnServersInUse(ToolsTestCase):
    def test_memcapable_passes_every_test_of_the_ascii_protocol(self):
        def script(server):
            exit_code, lines = self.run_tool('memccapable', '-a', '-t', str(DEADLINE_S), '-h', '127.0.0.1',
                                              '-p', str(server.address[1]))
            return exit_code, [re.sub(' +', ' ', line) for line in lines]

        names = ['get', 'gets', 'mget', 'quit', 'stat', 'verbosity', 'version']
        for name in ['add', 'append', 'cas', 'decr', 'delete', 'flush', 'incr', 'prepend', 'replace', 'set']:
            names += [name, name + ' noreply']
        passed = ['All tests passed', *sorted(f'ascii {name} [pass]' for name in names)]
        self.assert_outcome((0, passed), script, self.servers)

    def test_files_are_added_and_replaced(self):
        self.write_file('first', 'one')
        self.assert_tools(
            (1, ["Error occurred during memcached_replace('first'): NOT STORED"], 'memccp --replace first'),
            (0, [], 'memccp --add first'),
            (1, ["Error occurred during memcached_add('first'): NOT STORED"], 'memccp --add first'),
            (0, [], 'memccp --replace --flags=7 first'),
            (0, ['7', 'one'], 'memccat --flags first'),
        )

    def test_a_server_is_pinged_and_flushed(self):
        self.write_file('first', 'one')
        self.assert_tools(
            (0, [], 'memcping'),
            (0, [], 'memccp first'),
            (0, [], 'memcflush'),
            (1, [], 'memcexist first'),
            (0, [], 'memcping'),
        )

    def test_statistics_have_all_names_of_memcached(self):
        for group in ['', 'items', 'slabs']:
            for server in self.servers:
                server.ask(b'flush_all\r\nset key 0 0 1\r\n1\r\n')
            memcached, netd = (self.names_shown(server, group) for server in self.servers)
            self.assertEqual(set(), memcached - netd, group)
        self.assert_tools((1, ["Failed to 'STAT nonsense': INVALID ARGUMENTS"], 'memcstat nonsense'))

    def names_shown(self, server, group):
        exit_code, lines = self.run_tool('memcstat', f'--servers={host(server)}', *group.split())
        self.assertEqual((0, f'Server: 127.0.0.1 ({server.address[1]})'), (exit_code, lines[-1]))
        return {re.sub(r'\d+', 'N', line.split(':')[0]) if group else line.split(':')[0] for line in lines}

    def test_a_load_generator_finds_all_keys_it_has_stored(self):
        def script(server):
            return [self.load(server, test) for test in ['set', 'get', 'mget']]

        self.assert_outcome([{'cmd_set': 2000, 'get_hits': 0, 'get_misses': 0},
                             {'cmd_set': 1000, 'get_hits': 2000, 'get_misses': 0},
                             {'cmd_set': 1000, 'get_hits': 2000, 'get_misses': 0}], script, self.servers)

    def load(self, server, test):
        server.ask(b'stats reset\r\n')
        exit_code, lines = self.run_tool('memcslap', f'--servers={host(server)}', '--concurrency=2',
                                         '--execute-number=1000', f'--test={test}')
        self.assertEqual(0, exit_code, lines)
        stats = server.stats()
        return {name: int(stats[name]) for name in ['cmd_set', 'get_hits', 'get_misses']}


if __name__ == '__main__':
    unittest.main()
