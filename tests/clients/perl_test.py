"""Perl's Cache::Memcached::Fast, by way of perl_client.pl."""

import os
import subprocess
import unittest

from same_outcome import OneServerTestCase, outcomes_printed_by, require_program, skip
from support import host

PERL = require_program('perl', 'perl')
if subprocess.run([PERL, '-MCache::Memcached::Fast', '-e1'], stderr=subprocess.DEVNULL, check=False).returncode != 0:
    skip("Perl's Cache::Memcached::Fast is not here: install libcache-memcached-fast-perl")
SCRIPT = os.path.join(os.path.dirname(__file__), 'perl_client.pl')

# Perl's false is an empty string.
OUTCOMES = [
    ['get of nothing', None],
    ['replace of nothing', ''],
    ['add', '1'],
    ['add again', ''],
    ['replace', '1'],
    ['append', '1'],
    ['prepend', '1'],
    ['get', 'start middle end'],
    ['delete', '1'],
    ['delete again', ''],
    ['set of text', '1'],
    ['get of text', 'naïve ☕'],
    ['set of a structure', '1'],
    ['get of a structure', {'list': [1, 2]}],
    ['set of what is compressed', '1'],
    ['get of what is compressed', '1'],
    ['incr of nothing', ''],
    ['set of a number', '1'],
    ['incr', '12'],
    ['decr', '9'],
    ['decr below 0', '0E0'],
    ['set of many', [1, 1, 1]],
    ['get of many', {'one': '1', 'two': '2', 'three': '3'}],
    ['delete of many', [1, '']],
    ['gets', '2'],
    ['cas', '1'],
    ['cas again', ''],
    ['cas of nothing', ''],
    ['get after cas', 'new'],
    ['get after 1000 sets without a reply', '999'],
    ['set with a TTL', '1'],
    ['touch', '1'],
    ['touch of nothing', ''],
    ['get after the TTL', None],
    ['versions', '1'],
    ['flush', '1'],
    ['get after the flush', None],
]


class Perl(OneServerTestCase):
    def test_every_call_comes_to_the_same(self):
        self.assert_outcome(OUTCOMES, lambda server: outcomes_printed_by(PERL, SCRIPT, host(server)), self.servers)


if __name__ == '__main__':
    unittest.main()
