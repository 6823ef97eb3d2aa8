"""Tables of what benches have measured, as lists of cells, in Markdown and in HTML."""

import html


def number(digits, column):
    return lambda row: f'{row[column]:,.{digits}f}' if column in row else ''


def text(column):
    return lambda row: str(row[column])


def threads(count):
    return lambda row: f'{row["ns_by"]["1"] / row["ns_by"][count]:.2f}' if count in row.get('ns_by', {}) else ''


# By bench: the columns, each with its title and how a row's cell is made.
COLUMNS = {
    'density': [('server', text('server')), ('bytes of a value', number(0, 'value_bytes')), ('items', number(0, 'items')),
                ('bytes an item besides', number(1, 'overhead'))],
    'net': [('load', text('load')), ('server', text('server')), ('CPU us a request', number(2, 'cpu_us')),
            ('×', number(2, 'cpu_ratio')), ('requests/s', number(0, 'requests_per_s')), ('×', number(2, 'requests_ratio')),
            ('p99 us', number(0, 'p99_us')), ('×', number(2, 'p99_ratio'))],
    'cache': [('operation', text('row')), ('', text('contender')), ('ns', number(0, 'ns')),
              ('× the first', number(2, 'ratio')), ('2 threads, ×', threads('2')), ('4 threads, ×', threads('4'))],
    'latency': [('', text('contender')), ('phase', text('phase')),
                *((f'{p} %' if p != 'max' else p, number(0, p)) for p in ['50', '90', '99', '99.9', '99.99', 'max'])],
    'scale': [('operation', text('operation')), ('ns', number(0, 'ns')), ('% under shared locks', number(2, 'locked_percent')),
              ('bound', text('lock_bound')), ('writes to shared lines', number(2, 'writes')),
              ('to one', number(2, 'hottest_writes')), ('bound', text('write_bound'))],
    'layers': [('', text('group')), ('call', text('call')), ('ns', number(1, 'ns')), ('× the first', number(2, 'ratio'))],
    'policy': [('trace', text('trace')), ('size', lambda row: f'{row["share"] * 100:g} % of {row["counted"]}'),
               ('larder', number(4, 'larder')), ('S3-FIFO', number(4, 's3fifo')), ('LRU', number(4, 'lru')),
               ('Belady', number(4, 'belady')), ('× S3-FIFO', lambda row: f'{row["larder"] / row["s3fifo"]:.3f}'),
               ('× LRU', lambda row: f'{row["larder"] / row["lru"]:.3f}')],
    'rival': [('trace', text('trace')), ('memcached -m', number(0, 'memcached_limit_mib')),
              ('resident MiB', number(1, 'memcached_resident_mib')), ('misses', number(4, 'memcached')),
              ('netd -m', number(0, 'netd_limit_mib')), ('resident MiB', number(1, 'netd_resident_mib')),
              ('misses', number(4, 'netd')), ('×', number(3, 'ratio'))],
    'curve': [('trace', text('trace')), ('objects', number(0, 'objects')), ('memory, ×', number(2, 'factor')),
              ('said', number(4, 'miss_ratio')), ('±', number(4, 'error')), ('measured', number(4, 'true'))],
}


def cells(bench, rows):
    """The titles, and a list of cells for each row."""
    columns = COLUMNS[bench]
    return [title for title, _ in columns], [[cell(row) for _, cell in columns] for row in rows]


def is_number(cell):
    return cell.replace(',', '').replace('.', '').lstrip('-').isdigit()


def markdown(bench, rows):
    titles, lines = cells(bench, rows)
    are_numbers = [all(is_number(line[i]) or not line[i] for line in lines) for i in range(len(titles))]
    parts = [titles, ['--:' if numbers else '---' for numbers in are_numbers], *lines]
    return '\n'.join(f'| {" | ".join(part)} |' for part in parts) + '\n'


def page(bench, rows):
    titles, lines = cells(bench, rows)
    head = ''.join(f'<th>{html.escape(title)}' for title in titles)
    body = ''.join('<tr>' + ''.join(f'<td{" class=n" if is_number(cell) else ""}>{html.escape(cell)}' for cell in line)
                   for line in lines)
    return f'<table><tr>{head}{body}</table>\n'
