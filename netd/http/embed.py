"""Makes a C++ source of the page's files: embed.py OUT FILE…"""
import pathlib
import sys

TYPES = {'.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8',
         '.js': 'text/javascript; charset=utf-8', '.svg': 'image/svg+xml'}

out = pathlib.Path(sys.argv[1])
files = [pathlib.Path(name) for name in sys.argv[2:]]
arrays, rows = [], []
for i, file in enumerate(files):
    content = file.read_bytes()
    path = '/' if file.name == 'index.html' else f'/{file.name}'
    arrays.append(f'constexpr unsigned char kFile{i}[] = {{{",".join(map(str, content))}}};\n')
    rows.append(f'    {{"{path}", "{TYPES[file.suffix]}", '
                f'{{reinterpret_cast<const char*>(kFile{i}), sizeof kFile{i}}}}},\n')
out.write_text(f'''#include "netd/http/page_files.h"

namespace netd::http {{
namespace {{

{"".join(arrays)}
const PageFile kFiles[] = {{
{"".join(rows)}}};

}}  // namespace

const PageFile* find_page_file(std::string_view path) {{
  for (const PageFile& file : kFiles) {{
    if (file.path == path) return &file;
  }}
  return nullptr;
}}

}}  // namespace netd::http
''')
