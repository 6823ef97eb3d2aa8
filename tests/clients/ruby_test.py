"""Ruby's Dalli, by way of ruby_client.rb. Debian's 3.0.6 speaks the binary protocol alone, which netd does not."""

import os
import subprocess
import unittest

from same_outcome import OneServerTestCase, outcomes_printed_by, require_program, skip
from support import host

RUBY = require_program('ruby', 'ruby')
if subprocess.run([RUBY, '-e', "require 'dalli'"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
    skip("Ruby's Dalli is not here: install ruby-dalli")
SCRIPT = os.path.join(os.path.dirname(__file__), 'ruby_client.rb')


class Ruby(OneServerTestCase):
    def test_netd_says_no_at_once_to_the_binary_protocol(self):
        memcached, netd = self.servers
        self.assert_outcome([True, 'value', True, None], self.run_client, [memcached])
        # Silence would have the client wait for longer than this test does.
        self.assert_outcome(['Dalli::RingError'] * 4, self.run_client, [netd])

    @staticmethod
    def run_client(server):
        return outcomes_printed_by(RUBY, SCRIPT, host(server))


if __name__ == '__main__':
    unittest.main()
