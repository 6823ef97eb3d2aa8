#!/usr/bin/env python3
"""Replays traces through the policy alone and prints its miss ratios beside the references'.

    policy_table.py TRACE_REPLAY [TRACES_FOLDER] [trace …]

The folder's README.md has the reference numbers (S3-FIFO, LRU, Belady); those of the cache sizes of 1, 10 and 30 % are
replayed. Two replays run at a time.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

SHARES = {'0.01', '0.1', '0.3'}
MISS_RATIO_MAX_S3FIFO = 1.03
MISS_RATIO_MAX_LRU = 1.05


def rows(readme):
    """Yields (trace, share, --objects or --bytes, size, and the miss ratios of S3-FIFO, LRU and Belady) of each row of the
    tables."""
    mode, columns = None, []
    for line in readme.read_text().splitlines():
        if line.startswith('### '):
            mode, columns = ('--objects' if 'size 1' in line else '--bytes'), []
        if not line.startswith('| ') or mode is None:
            continue
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if cells[0] == 'trace':
            columns = cells
            continue
        share, size = re.match(r'([\d.]+) \((\d+)', cells[1]).groups()
        number = {name.split()[0].lower(): float(cell.split(' /')[0]) for name, cell in zip(columns[2:], cells[2:])}
        if share in SHARES:
            references = [number.get('s3fifo') or number['s3'], number['lru'], number.get('belady') or number['beladysize']]
            yield cells[0], share, mode, size, references


def replay(program, folder, row):
    trace, _, mode, size, _ = row
    line = subprocess.run([program, folder / f'{trace}.kvt.zst', mode, size], check=True, capture_output=True,
                          text=True).stdout
    return float(re.search(r'miss_ratio ([\d.]+)', line).group(1)), line.strip()


def main():
    program = sys.argv[1]
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get('LARDER_TRACES', '../shared/traces'))
    wanted = sys.argv[3:]
    if not (folder / 'README.md').exists():
        sys.exit(f'{folder}: there are no traces')
    print(f'{"trace":14} {"share":>5} {"counted":9} {"larder":>7} {"s3fifo":>7} {"lru":>7} {"belady":>7} {"× s3fifo":>8} {"× lru":>6}')
    misses = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        chosen = [row for row in rows(folder / 'README.md') if not wanted or row[0] in wanted]
        # Those that take longest begin first: small caches in bytes are made larger with all their objects.
        by_time = sorted(chosen, key=lambda row: (row[2] != '--bytes', int(row[3])))
        replays = {row[:4]: pool.submit(replay, program, folder, row) for row in by_time}
        for trace, share, mode, size, (s3fifo, lru, belady) in chosen:
            ratio, _ = replays[trace, share, mode, size].result()
            is_reached = ratio <= MISS_RATIO_MAX_S3FIFO * s3fifo and ratio <= MISS_RATIO_MAX_LRU * lru
            misses += not is_reached
            print(f'{trace:14} {share:>5} {mode[2:]:9} {ratio:7.4f} {s3fifo:7.4f} {lru:7.4f} {belady:7.4f} '
                  f'{ratio / s3fifo:8.3f} {ratio / lru:6.3f}{"" if is_reached else "  above the goal"}', flush=True)
    print(f'{misses} above the goal of ≤ {MISS_RATIO_MAX_S3FIFO} × S3-FIFO and ≤ {MISS_RATIO_MAX_LRU} × LRU')


if __name__ == '__main__':
    main()
