"""The report as one HTML page, with its plots in it."""

import html

import tables
from benches import BENCHES

STYLE = '''
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222;
       background: #fff; }
h2 { margin-top: 3rem; border-top: 1px solid #ddd; padding-top: 1rem; }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto; }
th, td { padding: 2px 10px; text-align: left; border-bottom: 1px solid #eee; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { overflow-x: auto; background: #f6f6f6; padding: 0.5rem; font-size: 12px; }
svg { max-width: 100%; height: auto; }
'''


def section(bench, result, drawn, folder):
    parts = [f'<h2 id={bench.name}>{html.escape(bench.what[0].upper() + bench.what[1:])}</h2>']
    for _, name, what in drawn:
        svg = (folder / f'{name}.svg').read_text()
        parts.append(f'<figure>{svg[svg.index("<svg"):]}<figcaption>{html.escape(what)}</figcaption></figure>')
    parts.append(tables.page(bench.name, result['rows']))
    run = result['run']
    parts.append(f'<p>{html.escape(run["date"])}, commit {html.escape(run["commit"])}, {html.escape(run["mode"])}, '
                 f'{result["seconds"]} s</p>')
    parts.append('<pre>' + html.escape('\n'.join(result['commands'])) + '</pre>')
    return '\n'.join(parts)


def write(results, drawn, folder):
    """report.html in the folder that has the plots. Its path."""
    chosen = [bench for bench in BENCHES if bench.name in results['benches']]
    machine = next(iter(results['benches'].values()))['run']['machine']
    contents = ''.join(f'<li><a href="#{bench.name}">{html.escape(bench.what)}</a>' for bench in chosen)
    about = ', '.join(f'{key.replace("_", " ")}: {value}' for key, value in machine.items())
    sections = '\n'.join(section(bench, results['benches'][bench.name], [plot for plot in drawn if plot[0] == bench.name],
                                 folder) for bench in chosen)
    path = folder / 'report.html'
    path.write_text(f'<!doctype html>\n<html lang=en><meta charset=utf-8>\n'
                    f'<meta name=viewport content="width=device-width">\n<title>larder: benches</title>\n'
                    f'<style>{STYLE}</style>\n<h1>What larder measures</h1>\n<p>{html.escape(about)}</p>\n'
                    f'<ul>{contents}</ul>\n{sections}\n</html>\n')
    return path
