#!/usr/bin/env python3
"""Replays traces through memcached and through a netd of the same resident memory, and prints their miss ratios.

    rival_table.py TRACE_REPLAY NETD MEMCACHED [TRACES_FOLDER] [trace …]

memcached gets a share of the trace's footprint (from the folder's README.md) for -m; netd the -m with which it needs no
more resident memory, found by trial. Sizes are those recorded; traces with expiry times are compressed into a minute.
"""
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

SHARES = [0.1, 0.3]
LIMIT_MIB_MIN = 8
TIMED_S = 60
TRIALS = 4
# Of a footprint that is smaller there is nothing left to compare when both have their smallest limit.
FOOTPRINT_MIB_MIN = 16
DEADLINE_S = 10


class Server:
    def __init__(self, command, limit_mib):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, 'socket')
        user = ['-u', 'root'] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([command, *user, '-s', self.path, '-t', '1', '-m', str(limit_mib)])
        deadline = time.monotonic() + DEADLINE_S
        while not os.path.exists(self.path):
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f'{command} does not start')
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.folder.cleanup()

    def resident_mib(self):
        status = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return int(re.search(r'VmHWM:\s*(\d+)', status)[1]) / 1024


def footprints(readme):
    """Yields (trace, MiB of keys and values, whether it has expiry times)."""
    for line in readme.read_text().splitlines():
        match = re.match(r'\| (\S+) \|.*\| ([\d.]+) MiB \|', line)
        if match:
            yield match[1], float(match[2]), 'TTL' in line


def replay(replay_program, trace, command, limit_mib, is_timed):
    """The miss ratio, and the resident memory at its highest."""
    with Server(command, limit_mib) as server:
        timed = ['--seconds', str(TIMED_S)] if is_timed else []
        line = subprocess.run([replay_program, trace, '--socket', server.path, *timed], check=True,
                              capture_output=True, text=True).stdout
        return float(re.search(r'miss_ratio ([\d.]+)', line)[1]), server.resident_mib()


def replay_within(replay_program, trace, command, resident_mib_max, is_timed):
    """The highest limit found that keeps resident memory within the bound, and what is had with it."""
    with Server(command, LIMIT_MIB_MIN) as server:
        limit_mib = math.floor(resident_mib_max - server.resident_mib())
    best = None
    for _ in range(TRIALS):
        if limit_mib < 1 or best and limit_mib <= best[0]:
            break
        ratio, resident_mib = replay(replay_program, trace, command, limit_mib, is_timed)
        spare_mib = resident_mib_max - resident_mib
        holds_all = best is not None and ratio == best[1]
        if spare_mib >= 0:
            best = (limit_mib, ratio, resident_mib)
            if spare_mib < 1 or holds_all:
                break
        limit_mib += math.floor(spare_mib)
    return best


def main():
    replay_program, netd, memcached = sys.argv[1:4]
    folder = pathlib.Path(sys.argv[4] if len(sys.argv) > 4 else os.environ.get('LARDER_TRACES', '../shared/traces'))
    wanted = sys.argv[5:]
    if not (folder / 'README.md').exists():
        sys.exit(f'{folder}: there are no traces')
    print(f'{"trace":14} {"-m":>4} {"resident":>8} {"memcached":>9}   {"-m":>4} {"resident":>8} {"netd":>6}  misses')
    logs = []
    for name, footprint_mib, is_timed in footprints(folder / 'README.md'):
        if footprint_mib < FOOTPRINT_MIB_MIN or wanted and name not in wanted:
            continue
        for limit_mib in sorted({max(LIMIT_MIB_MIN, round(footprint_mib * share)) for share in SHARES}):
            trace = folder / f'{name}.kvt.zst'
            ratio, resident_mib = replay(replay_program, trace, memcached, limit_mib, is_timed)
            found = replay_within(replay_program, trace, netd, resident_mib, is_timed)
            if not found:
                print(f'{name:14} {limit_mib:4} {resident_mib:8.1f} {ratio:9.4f}   netd does not fit')
                continue
            netd_limit_mib, netd_ratio, netd_resident_mib = found
            logs.append(math.log(netd_ratio / ratio))
            print(f'{name:14} {limit_mib:4} {resident_mib:8.1f} {ratio:9.4f}   {netd_limit_mib:4} '
                  f'{netd_resident_mib:8.1f} {netd_ratio:6.4f}  {netd_ratio / ratio:.3f} x', flush=True)
    if logs:
        print(f'geometric mean of {len(logs)}: {math.exp(sum(logs) / len(logs)):.3f} x the misses; '
              f'worst {math.exp(max(logs)):.3f} x')


if __name__ == '__main__':
    main()
