#!/usr/bin/env python3
"""Starts three netds and twemproxy in front of them, as nutcracker.yml says, until it is stopped by Ctrl-C.

    cluster.py [--port PORT] [--proxy MEMCACHED]

The proxy is at 127.0.0.1:PORT, the netds at the next three ports. Needs Debian's nutcracker, or a memcached that has a
proxy, for which proxy.lua is; and netd in $NETD or on the path.
"""
import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

FOLDER = pathlib.Path(__file__).parent
PORT = 22121
STATISTICS = 100  # twemproxy's own are so many ports further
MEMORY_MIB = 16  # for a weight of 1
START_S = 60


class Cluster:
    """While it lives, the servers run."""

    def __init__(self, port=PORT, proxy=None):
        self.port = port
        self.proxy = proxy  # a memcached; None: twemproxy
        self.netds = {name: (int(netd_port), int(weight)) for netd_port, weight, name in
                      re.findall(r'- 127\.0\.0\.1:(\d+):(\d+) (\w+)', self.configuration('nutcracker.yml'))}
        self.processes = {}

    def configuration(self, name):
        """That file, with the ports from this one's on."""
        return re.sub(r'(?<=127\.0\.0\.1:)(\d+)', lambda match: str(int(match[1]) - PORT + self.port),
                      (FOLDER / name).read_text())

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix='cluster-')
        try:
            for name in self.netds:
                self.start(name)
            self.start_proxy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()
        self.directory.cleanup()

    def start_proxy(self):
        file = pathlib.Path(self.directory.name, 'proxy.lua' if self.proxy else 'nutcracker.yml')
        file.write_text(self.configuration(file.name))
        if self.proxy:
            command = [self.proxy, *user_flags(), '-l', '127.0.0.1', '-p', str(self.port), '-o',
                       f'proxy_config=routelib,proxy_arg={file}']
        else:
            command = ['nutcracker', '--conf-file', file, '--stats-port', str(self.port + STATISTICS), '--output',
                       file.with_name('log')]
        self.processes['proxy'] = subprocess.Popen(command)
        wait_for(self.port)

    def start(self, name):
        """Starts a netd, empty, and waits until it accepts clients."""
        port, weight = self.netds[name]
        self.processes[name] = subprocess.Popen([os.environ.get('NETD', 'netd'), *user_flags(), '-l', '127.0.0.1',
                                                 '-p', str(port), '-m', str(weight * MEMORY_MIB)])
        wait_for(port)

    def kill(self, name):
        """Ends a netd as a crash would."""
        self.processes[name].kill()
        self.processes[name].wait()


def user_flags():
    return ['-u', 'root'] if os.geteuid() == 0 else []


def add_arguments(parser):
    parser.add_argument('--port', type=int, default=PORT)
    parser.add_argument('--proxy', metavar='MEMCACHED', help='one that has a proxy, instead of twemproxy')


def wait_for(port):
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    add_arguments(parser)
    arguments = parser.parse_args()
    with Cluster(arguments.port, arguments.proxy) as cluster:
        print(f'the proxy at 127.0.0.1:{cluster.port}; netds at',
              ', '.join(f'{port} ({name}, weight {weight})' for name, (port, weight) in cluster.netds.items()))
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == '__main__':
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
