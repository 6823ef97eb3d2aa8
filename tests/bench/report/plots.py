"""Plots of what benches have measured. Text stays text in them, and the same figures make the same file."""

import matplotlib

matplotlib.use('svg')
matplotlib.rcParams.update({'svg.fonttype': 'none', 'svg.hashsalt': 'larder', 'font.size': 8, 'font.family': 'sans-serif',
                            'legend.frameon': False, 'axes.spines.top': False, 'axes.spines.right': False})
from matplotlib import pyplot

from benches import LATENCIES

OURS, OTHER, THIRD, FAINT = '#1f6f8b', '#c77d3a', '#8f8f8f', '#c9c9c9'
COLOURS = {'larder': OURS, 'netd': OURS, 'memcached': OTHER, 'sharded mutex LRU': OTHER, 'LRU': OTHER, 'S3-FIFO': THIRD,
           'Belady': FAINT, 'flat_hash_map': FAINT, 'tbb::concurrent_hash_map': THIRD, 'bare': FAINT, 'waiting': THIRD,
           'nothing': FAINT}
PANEL = (2.2, 1.9)


def unique(values):
    return list(dict.fromkeys(values))


def bars(axes, table, label, digits=1):
    """A group of bars for each row of the table, {row: {contender: value}}."""
    contenders = unique(name for row in table.values() for name in row)
    height = 0.8 / len(contenders)
    for i, contender in enumerate(contenders):
        places = [row + i * height for row, values in enumerate(table.values()) if contender in values]
        values = [values[contender] for values in table.values() if contender in values]
        drawn = axes.barh(places, values, height, color=COLOURS.get(contender, THIRD), label=contender)
        axes.bar_label(drawn, fmt=f'%.{digits}f', padding=2)
    axes.set_yticks([row + 0.4 - height / 2 for row in range(len(table))], list(table))
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel(label)
    if len(contenders) > 1:
        axes.legend(loc='lower left', bbox_to_anchor=(0, 1), ncols=2)


def pivot(rows, row, contender, value):
    table = {}
    for each in rows:
        table.setdefault(row(each), {})[each[contender]] = value(each)
    return table


def single():
    return pyplot.subplots(figsize=(3.4, 2.6))


def panels(count):
    """A grid of so many, three in a row."""
    columns = min(3, count)
    lines = -(-count // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(PANEL[0] * columns, PANEL[1] * lines), squeeze=False,
                                   layout='constrained')
    chosen = list(grid.flat)
    for axes in chosen[count:]:
        axes.set_visible(False)
    return figure, chosen[:count]


def line(axes, places, values, name):
    axes.plot(places, values, marker='o', markersize=3, color=COLOURS.get(name.removesuffix(' (overwriting)'), FAINT),
              label=name)


def logarithmic(axes, places, labels):
    axes.set_xscale('log')
    axes.set_xticks(places, labels)
    axes.minorticks_off()


def label_panels(figure, axes, x, y):
    """What is the same in all panels: both labels, y if there is one, and the legend."""
    figure.supxlabel(x, fontsize=8)
    if y:
        figure.supylabel(y, fontsize=8)
    figure.legend(*axes.get_legend_handles_labels(), loc='lower left', bbox_to_anchor=(0, 1), ncols=4)


# --- one function for each plot: the rows of its bench to a figure, None if they do not have it -------------------

def items(rows):
    figure, axes = single()
    bars(axes, pivot(rows, lambda row: f'{row["value_bytes"]}-byte values', 'server', lambda row: row['items'] / 1e6),
         'million items in the same memory', 2)
    return figure


def overhead(rows):
    figure, axes = single()
    bars(axes, pivot(rows, lambda row: f'{row["value_bytes"]}-byte values', 'server', lambda row: row['overhead']),
         'bytes an item besides key and value')
    return figure


def net(rows):
    """CPU and latency by load, beside memcached's."""
    figure, grid = pyplot.subplots(1, 2, figsize=(6.8, 3.2), sharey=True, layout='constrained')
    ours = [row for row in rows if row['server'] == 'netd']
    for axes, column, label in [(grid[0], 'cpu_ratio', 'CPU time a request, memcached = 1'),
                                (grid[1], 'p99_ratio', '99th percentile of latency, memcached = 1')]:
        bars(axes, {row['load']: {'netd': row[column]} for row in ours}, label, 2)
        axes.axvline(1, color=THIRD, linestyle=':')
    grid[0].invert_yaxis()  # Each of the two has turned the axis that they share.
    return figure


GET_CONTENDERS = ['larder', 'sharded mutex LRU', 'flat_hash_map']


def get(rows):
    found = {row['contender']: row['ns_by'] for row in rows if row['row'] == 'threads: get'}
    if not found:
        return None
    figure, axes = single()
    bars(axes, {title: {name: found[name][threads] for name in GET_CONTENDERS if name in found}
                for title, threads in [('one thread', '1'), ('two threads', '2')]}, 'ns a get')
    return figure


def scaling(rows):
    """How many times the operations of one thread more of them get done."""
    loads = unique(row['row'] for row in rows if 'ns_by' in row)
    if not loads:
        return None
    figure, all_axes = panels(len(loads))
    for axes, load in zip(all_axes, loads):
        for row in rows:
            if row['row'] != load:
                continue
            threads = [int(count) for count in row['ns_by']]
            line(axes, threads, [row['ns_by']['1'] / ns for ns in row['ns_by'].values()], row['contender'])
        axes.set_title(load.removeprefix('threads: '), fontsize=8)
        axes.set_xticks(threads)
        axes.set_ylim(bottom=0)
    label_panels(figure, all_axes[0], 'threads', 'operations, of one thread = 1')
    return figure


def latency(rows):
    figure, all_axes = panels(2)
    for axes, phase in zip(all_axes, ['growing', 'full']):
        for row in rows:
            if row['phase'] == phase:
                line(axes, range(len(LATENCIES)), [max(1, row[percentile]) for percentile in LATENCIES], row['contender'])
        axes.set_title(f'while it is {phase}', fontsize=8)
        axes.set_yscale('log')
        axes.set_xticks(range(len(LATENCIES)), LATENCIES)
    all_axes[0].set_ylabel('ns')
    label_panels(figure, all_axes[0], 'percentile', None)
    return figure


def policy(rows):
    names = unique((row['trace'], row['counted']) for row in rows)
    figure, all_axes = panels(len(names))
    for axes, (trace, counted) in zip(all_axes, names):
        chosen = [row for row in rows if (row['trace'], row['counted']) == (trace, counted)]
        for column, label in [('belady', 'Belady'), ('s3fifo', 'S3-FIFO'), ('lru', 'LRU'), ('larder', 'larder')]:
            line(axes, [row['share'] * 100 for row in chosen], [row[column] for row in chosen], label)
        axes.set_title(f'{trace}, by {counted}', fontsize=8)
        logarithmic(axes, [row['share'] * 100 for row in chosen], [f'{row["share"] * 100:g} %' for row in chosen])
    label_panels(figure, all_axes[0], 'memory, as a share of all that is asked for', 'miss ratio')
    return figure


def misses(rows):
    figure, axes = single()
    bars(axes, {f'{row["trace"]}, {row["memcached_limit_mib"]} MiB': {'netd': row['ratio']} for row in rows},
         'misses, memcached of the same memory = 1', 2)
    axes.axvline(1, color=THIRD, linestyle=':')
    return figure


def by_memory(rows):
    names = unique(row['trace'] for row in rows)
    figure, all_axes = panels(len(names))
    for axes, trace in zip(all_axes, names):
        chosen = [row for row in rows if row['trace'] == trace]
        for server in ['netd', 'memcached']:
            line(axes, [row[f'{server}_resident_mib'] for row in chosen], [row[server] for row in chosen], server)
        axes.set_title(trace, fontsize=8)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    label_panels(figure, all_axes[0], 'resident memory, MiB', 'miss ratio')
    return figure


def curve(rows):
    names = unique(row['trace'] for row in rows)
    figure, all_axes = panels(len(names))
    for axes, trace in zip(all_axes, names):
        chosen = [row for row in rows if row['trace'] == trace]
        sizes = [row['factor'] for row in chosen]
        axes.plot(sizes, [row['true'] for row in chosen], color=OTHER, label='measured')
        axes.errorbar(sizes, [row['miss_ratio'] for row in chosen], [row['error'] for row in chosen], color=OURS, fmt='o',
                      markersize=3, capsize=3, label='said')
        axes.set_title(f'{trace}, {chosen[0]["objects"]} objects', fontsize=8)
        logarithmic(axes, sizes, [f'× {size:g}' for size in sizes])
    label_panels(figure, all_axes[0], 'memory, of the present limit', 'miss ratio')
    return figure


# By bench: the plots of it, each with what it shows.
PLOTS = {
    'density': [(items, 'items that fit into the same limit'), (overhead, 'memory of an item besides its key and value')],
    'net': [(net, 'CPU time and latency of netd beside memcached, by load')],
    'cache': [(get, 'time of a get'), (scaling, 'what more threads get done')],
    'latency': [(latency, 'latency of single operations')],
    'policy': [(policy, 'miss ratios of the policy, beside LRU, S3-FIFO and Belady')],
    'rival': [(misses, 'misses of netd beside memcached with the same resident memory'),
              (by_memory, 'miss ratios by resident memory')],
    'curve': [(curve, 'the miss-ratio curve: what it says, and what real caches of those sizes missed')],
}


def draw(results, folder):
    """Writes an SVG for each plot that there are rows for. (bench, name, what it shows) of each."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for bench, plots in PLOTS.items():
        rows = results['benches'].get(bench, {}).get('rows')
        for plot, what in plots if rows else []:
            figure = plot(rows)
            if figure is None:
                continue
            figure.savefig(folder / f'{plot.__name__}.svg', bbox_inches='tight', metadata={'Date': None, 'Creator': None})
            pyplot.close(figure)
            drawn.append((bench, plot.__name__, what))
    return drawn
