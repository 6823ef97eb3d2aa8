"""Node's memcached, by way of node_client.js. The package comes from the npm registry, into the build directory."""

import os
import subprocess
import unittest

from same_outcome import OneServerTestCase, outcomes_printed_by, require_program, skip
from support import host

PACKAGE = 'memcached@2.2.2'
INSTALLATION_S = 100
NODE = require_program('node', 'nodejs')
NPM = require_program('npm', 'npm')
SCRIPT = os.path.join(os.path.dirname(__file__), 'node_client.js')


def install():
    """Makes the package loadable by the scripts this program starts; without a registry, the program is skipped."""
    directory = os.environ.get('NODE_PACKAGES') or skip('$NODE_PACKAGES does not say where to install packages')
    modules = os.path.join(directory, 'node_modules')
    if not os.path.exists(os.path.join(modules, '.package-lock.json')):
        command = [NPM, 'install', f'--prefix={directory}', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund',
                   '--fetch-retries=0', PACKAGE]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=INSTALLATION_S, check=False)
        except subprocess.TimeoutExpired:
            skip(f'npm has not installed {PACKAGE} within {INSTALLATION_S} s')
        if ended.returncode != 0:
            skip(f'npm cannot install {PACKAGE}: {ended.stderr}')
    os.environ['NODE_PATH'] = modules


NOT_STORED = 'Error: Item is not stored'
OUTCOMES = [
    ['get', None],
    ['replace', NOT_STORED],
    ['add', True],
    ['add', NOT_STORED],
    ['replace', True],
    ['append', True],
    ['prepend', True],
    ['get', 'start middle end'],
    ['append', NOT_STORED],
    ['del', True],
    ['del', False],
    ['set', True],
    ['get', {'list': [1, None], 'text': 'naïve ☕\r\nEND\r\n'}],
    ['set', True],
    ['get', {'type': 'Buffer', 'data': [0, 13, 10, 255]}],
    ['incr', False],
    ['set', True],
    ['incr', 12],
    ['decr', 9],
    ['decr', 0],
    ['get', 0],
    ['set', True],
    ['incr', 'Error: cannot increment or decrement non-numeric value'],
    ['getMulti', {'counter': 0, 'word': 'word'}],
    ['cas', True],
    ['cas', False],
    ['get', 'new'],
    ['200 at once', True],
    ['set', True],
    ['touch', True],
    ['touch', False],
    ['get', None],
    ['settings', 64 << 20, 1 << 20],
    ['flush', [True]],
    ['get', None],
]


class Node(OneServerTestCase):
    def test_every_call_comes_to_the_same(self):
        self.assert_outcome(OUTCOMES, lambda server: outcomes_printed_by(NODE, SCRIPT, host(server)), self.servers)


if __name__ == '__main__':
    install()
    unittest.main()
