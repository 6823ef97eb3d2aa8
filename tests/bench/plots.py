#!/usr/bin/env python3
"""Draws the plots of the README from what benches have printed.

    plots.py [FILE …]

Files hold the output of density_bench, rival_table.py or cache_bench, whatever else stands around it; without any it is
the folder's README.md, with the figures of the last run. Writes items.svg, misses.svg and get.svg to plots/, those that
there are lines for. Needs Debian's python3-matplotlib.
"""
import pathlib
import re
import sys

import matplotlib

matplotlib.use('svg')
# Text stays text, and the same figures make the same file.
matplotlib.rcParams.update({'svg.fonttype': 'none', 'svg.hashsalt': 'larder', 'font.size': 8, 'font.family': 'sans-serif'})
from matplotlib import pyplot

FOLDER = pathlib.Path(__file__).parent
COLOURS = ['#1f6f8b', '#c9c9c9', '#8f8f8f']  # larder first


def items(text):
    """Items that fit, in millions, by the size of their values."""
    found = re.findall(r'^(larder|memcached) +values of +(\d+): +(\d+) items', text, re.M)
    table = {}
    for server, value_bytes, count in found:
        table.setdefault(f'{value_bytes}-byte values', {})[server] = int(count) / 1e6
    return table


def misses(text):
    """Misses of netd, as a share of memcached's, by trace."""
    found = re.findall(r'^(\S+) +(\d+) +[\d.]+ +[\d.]+ +\d+ +[\d.]+ +[\d.]+ +([\d.]+) x$', text, re.M)
    return {f'{trace}, {limit_mib} MiB': {'netd': float(ratio)} for trace, limit_mib, ratio in found}


def get(text):
    """Nanoseconds of a get, by threads."""
    found = re.findall(r'^threads: get +(\S.*?) +own process +([\d.]+) ns, ([\d.]+) by 2 threads', text, re.M)
    order = ['larder', 'sharded mutex LRU', 'flat_hash_map']
    table = {'one thread': {}, 'two threads': {}}
    for contender, one, two in sorted((row for row in found if row[0] in order), key=lambda row: order.index(row[0])):
        table['one thread'][contender] = float(one)
        table['two threads'][contender] = float(two)
    return table if found else {}


def draw(table, name, label, is_ratio=False):
    """A group of bars for each row of the table; of ratios, with a line at 1."""
    contenders = list(next(iter(table.values())))
    figure, axes = pyplot.subplots(figsize=(3.4, 2.6))
    height = 0.8 / len(contenders)
    for i, contender in enumerate(contenders):
        places = [row + i * height for row in range(len(table))]
        values = [row[contender] for row in table.values()]
        bars = axes.barh(places, values, height, color=COLOURS[i], label=contender)
        axes.bar_label(bars, fmt='%.2f' if max(values) < 10 else '%.1f', padding=2)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(table))], list(table))
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel(label)
    axes.spines[['top', 'right']].set_visible(False)
    if is_ratio:
        axes.axvline(1, color=COLOURS[2], linestyle=':')
    else:
        axes.legend(frameon=False, loc='lower left', bbox_to_anchor=(0, 1))
    path = FOLDER / 'plots' / f'{name}.svg'
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, bbox_inches='tight', metadata={'Date': None, 'Creator': None})
    print(path)


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or [FOLDER / 'README.md']
    text = '\n'.join(path.read_text() for path in paths)
    for table, *how in [
            (items(text), 'items', 'million items in 256 MiB'),
            (misses(text), 'misses', 'misses, memcached of the same memory = 1', True),
            (get(text), 'get', 'ns a get'),
    ]:
        if table:
            draw(table, *how)


if __name__ == '__main__':
    main()
