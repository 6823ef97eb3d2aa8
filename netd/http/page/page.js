// Shows what the server says of itself. Asks only this server, and changes nothing.
'use strict';

const STATS_MS = 2000;
const ASK_MS = 10000;
const HISTORY_MS = { '10m': 2000, '2h': 10000, '24h': 60000 };
const SPAN_PERIOD_S = { '10m': 1, '2h': 10, '24h': 120 };
const COLOURS = ['#1f6fc0', '#3f9a6d', '#8f6ac4', '#c7811f', '#b8507a', '#4b8fa3', '#7d8a3a', '#a0614a', '#5a6fd0',
                 '#8c8c8c', '#c25a5a', '#b0b8c0'];

const element = id => document.getElementById(id);
let span = '10m';

// --- numbers for people ---

const isKnown = number => typeof number === 'number' && isFinite(number);

// Three digits at least, and all of those before the point.
const digits = number => number >= 100 || Number.isInteger(number) ? String(Math.round(number)) : number.toPrecision(3);

function short(number) {
  if (!isKnown(number)) return '–';
  for (const [from, unit, name] of [[1e12, 1e12, 'T'], [1e9, 1e9, 'G'], [1e6, 1e6, 'M'], [1e4, 1e3, 'k']]) {
    if (number >= from) return `${digits(number / unit)} ${name}`;
  }
  return digits(number);
}

function bytes(number) {
  if (!isKnown(number)) return '–';
  for (const [unit, name] of [[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']]) {
    if (number >= unit) return `${digits(number / unit)} ${name}`;
  }
  return `${Math.round(number)} B`;
}

const rate = number => isKnown(number) ? `${bytes(number)}/s` : '–';

function seconds(number) {
  if (!isKnown(number)) return '–';
  if (number === 0) return '0';
  if (number < 1e-3) return `${digits(number * 1e6)} µs`;
  if (number < 1) return `${digits(number * 1e3)} ms`;
  if (number < 120) return `${Math.round(number)} s`;
  if (number < 7200) return `${Math.round(number / 60)} min`;
  return number < 172800 ? `${Math.round(number / 3600)} h` : `${Math.round(number / 86400)} days`;
}

const percent = share =>
  isKnown(share) ? `${share === 0 || share === 1 ? 100 * share : (100 * share).toFixed(share > 0.999 ? 2 : 1)} %` : '–';

// A key as it was before it was encoded, so that it can be looked up; as it is if that is no text.
function decoded(key) {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

// --- elements ---

function make(name, attributes = {}, ...children) {
  const made = name.startsWith('svg:') ? document.createElementNS('http://www.w3.org/2000/svg', name.slice(4))
                                       : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'style') Object.assign(made.style, value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function table(heads, rows) {
  return make('table', {}, make('thead', {}, make('tr', {}, ...heads.map(head => make('th', { scope: 'col' }, head)))),
              make('tbody', {}, ...rows.map(row => make('tr', {}, ...row.map((cell, i) => make(i ? 'td' : 'th', i ? {} : { scope: 'row' }, cell))))));
}

function bar(text, share) {
  const cell = make('span', {}, text);
  cell.append(make('span', { class: 'bar', style: { width: `${Math.max(0, Math.min(100, 100 * share))}%` } }));
  return cell;
}

// --- what is there now ---

function showNow(stats, last) {
  const general = stats.general;
  const gets = last ? last.gets_per_s : null;
  const numbers = [
    ['hit ratio', last && gets > 0 ? percent(last.hits_per_s / gets) : '–'],
    ['gets/s', short(gets)],
    ['stores/s', short(last && last.stores_per_s)],
    ['median', seconds(last && last.p50_s)],
    ['99th percentile', seconds(last && last.p99_s)],
    ['evictions/s', short(last && last.evictions_per_s)],
    ['items', short(general.curr_items)],
    ['memory', percent(stats.memory.used_bytes / stats.memory.limit_bytes)],
    ['cores', short(last && last.cores)],
    ['connections', `${short(general.curr_connections)} of ${short(general.max_connections)}`],
    ['up for', seconds(general.uptime)],
  ];
  element('now').replaceChildren(...numbers.map(([name, value]) =>
    make('div', {}, make('b', {}, value), make('span', {}, name))));
  element('version').textContent = general.version;
}

function showMemory(memory) {
  const uses = Object.entries(memory.uses).filter(([, used]) => used > 0);
  const name = use => use.replace(/_/g, ' ');
  const stack = make('div', { class: 'stack', role: 'img',
                              'aria-label': `${bytes(memory.used_bytes)} of ${bytes(memory.limit_bytes)} in use` },
                     ...uses.map(([use, used], i) => make('span', {
                       title: `${name(use)}: ${bytes(used)}`,
                       style: { width: `${100 * used / memory.limit_bytes}%`, background: COLOURS[i % COLOURS.length] },
                     })));
  const legend = make('ul', { class: 'legend' }, ...uses.map(([use, used], i) =>
    make('li', {}, make('i', { style: { background: COLOURS[i % COLOURS.length] } }), `${name(use)} ${bytes(used)}`)));
  element('memory').replaceChildren(stack, legend,
    make('p', {}, `${bytes(memory.used_bytes)} of ${bytes(memory.limit_bytes)}`));
}

function showKeys(keys) {
  if (keys.length === 0) {
    element('keys').replaceChildren(make('p', {}, 'No key gets a share of the requests that can be told yet.'));
    return;
  }
  const largest = keys[0].share;
  element('keys').replaceChildren(table(['key', 'share', 'reads', 'writes'], keys.map(key =>
    [bar(decoded(key.key), key.share / largest), `${percent(key.share)} ± ${(100 * key.error).toFixed(1)}`,
     percent(key.reads_share), percent(key.writes_share)])));
}

function showClasses(classes) {
  const rows = Object.values(classes).filter(one => one.chunk_size !== undefined);
  const most = Math.max(1, ...rows.map(one => one.mem_requested));
  element('classes').replaceChildren(table(['up to', 'items', 'memory', 'hits', 'evicted', 'idle when evicted'],
    rows.map(one => [bar(bytes(one.chunk_size), one.mem_requested / most), short(one.number), bytes(one.mem_requested),
                     short(one.get_hits), short(one.evicted), one.evicted > 0 ? seconds(one.evicted_time) : '–'])));
}

function showNamespaces(namespaces) {
  element('namespaces-section').hidden = namespaces.length < 2;
  const most = Math.max(1, ...namespaces.map(space => space.item_bytes));
  element('namespaces').replaceChildren(table(['prefix', 'items', 'memory', 'hit ratio', 'evicted'],
    namespaces.map(space => [bar(space.prefix || '(others)', space.item_bytes / most), short(space.items),
                             bytes(space.item_bytes), percent(space.get_hits / (space.get_hits + space.get_misses)),
                             short(space.evictions)])));
}

function showGone(general) {
  const unknown = general.get_misses - general.get_expired - general.get_flushed;
  element('gone').replaceChildren(table(['', 'since the start'], [
    ['evicted, never read', short(general.evicted_unfetched)],
    ['evicted, read lately', short(general.evicted_active)],
    ['expired', short(general.reclaimed)],
    ['gets that missed', short(general.get_misses)],
    ['… what had expired', short(general.get_expired)],
    ['… what was flushed', short(general.get_flushed)],
    ['… others', short(Math.max(0, unknown))],
  ]));
}

function showConnections(stats) {
  const general = stats.general;
  element('connections').replaceChildren(table(['', ''], [
    ...Object.entries(stats.connections).map(([state, count]) => [state, short(count)]),
    ['accepted so far', short(general.total_connections)],
    ['turned away', short(general.rejected_connections)],
    ['closed: took no reply', short(general.send_timeouts)],
    ['closed: sent half a request', short(general.request_timeouts)],
    ['closed: memory was short', short(general.memory_kicks)],
    ['buffers', bytes(general.read_buf_bytes)],
  ].filter(([, value]) => value !== '–')));
}

// --- plots ---

const WIDTH = 320;
const HEIGHT = 110;
const LEFT = 56;
const BOTTOM = 16;

function plotFrame(label, top, format) {
  const svg = make('svg:svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label });
  svg.append(make('svg:path', { class: 'axis', d: `M${LEFT} 4V${HEIGHT - BOTTOM}H${WIDTH}` }));
  for (const share of [0, 1]) {
    const y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 8);
    svg.append(make('svg:text', { x: LEFT - 4, y: y + 4, 'text-anchor': 'end' }, format(share * top)));
  }
  return svg;
}

function path(values, top) {
  let d = '';
  let pen = 'M';
  values.forEach((value, i) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const x = LEFT + (WIDTH - LEFT) * i / Math.max(1, values.length - 1);
    const y = HEIGHT - BOTTOM - Math.min(1, value / top) * (HEIGHT - BOTTOM - 8);
    d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return d;
}

function plot(title, lines, format, fixedTop) {
  const all = lines.flatMap(([, values]) => values).filter(value => value !== null);
  const top = fixedTop || Math.max(0, ...all) * 1.05 || 1;
  const latest = values => [...values].reverse().find(value => value !== null);
  const svg = plotFrame(`${title}: ${lines.map(([name, values]) => `${name} ${format(latest(values))}`).join(', ')}`, top,
                        format);
  lines.forEach(([, values], i) => {
    svg.append(make('svg:path', { class: `line ${i ? 'second' : ''}`, d: path(values, top) }));
  });
  const points = lines[0][1].length;
  svg.append(make('svg:text', { x: LEFT, y: HEIGHT - 3 }, `${seconds(points * SPAN_PERIOD_S[span])} ago`),
             make('svg:text', { x: WIDTH, y: HEIGHT - 3, 'text-anchor': 'end' }, 'now'));
  return make('figure', {}, make('figcaption', {}, make('b', {}, title), ...lines.map(([name, values], i) =>
    make('i', { class: i ? 'second' : 'first' }, `${name} ${format(latest(values))}`))), svg);
}

function showHistory(history) {
  const series = history.series;
  const ratio = series.gets_per_s.map((gets, i) => gets > 0 ? series.hits_per_s[i] / gets : null);
  element('plots').replaceChildren(
    plot('Requests/s', [['gets', series.gets_per_s], ['stores', series.stores_per_s]], short),
    plot('Hit ratio', [['', ratio]], percent, 1),
    plot('Time of a request', [['median', series.p50_s], ['99 %', series.p99_s]], seconds),
    plot('Removals/s', [['evicted', series.evictions_per_s], ['expired', series.expirations_per_s]], short),
    plot('Network', [['in', series.bytes_read_per_s], ['out', series.bytes_written_per_s]],
         rate),
    plot('Memory', [['used', series.memory_used_bytes]], bytes),
    plot('Cores', [['', series.cores]], short),
    plot('Connections', [['', series.connections]], short));
}

// The curve, by the logarithm of the size; the band is the error with 95 %.
function showSizing(sizing) {
  element('sizing-summary').textContent = sizing.summary;
  const known = sizing.sizes.filter(size => size.miss_ratio !== undefined);
  if (known.length < 2) {
    element('sizing').replaceChildren();
    return;
  }
  const top = Math.min(1, Math.max(...known.map(size => size.miss_ratio + size.error), 0.01) * 1.05);
  const svg = plotFrame(`Misses by memory: ${known.map(size =>
    `${bytes(size.limit_bytes)} ${percent(size.miss_ratio)}`).join(', ')}`, top, percent);
  const x = size => LEFT + 24 + (WIDTH - LEFT - 48) * (Math.log2(size.factor) + 2) / 4;
  const y = share => HEIGHT - BOTTOM - Math.max(0, Math.min(1, share / top)) * (HEIGHT - BOTTOM - 8);
  const points = edge => known.map(size => `${x(size).toFixed(1)} ${y(edge(size)).toFixed(1)}`);
  svg.append(
    make('svg:path', { class: 'band', d: `M${[...points(size => size.miss_ratio + size.error),
                                             ...points(size => size.miss_ratio - size.error).reverse()].join('L')}Z` }),
    make('svg:path', { class: 'line', d: `M${points(size => size.miss_ratio).join('L')}` }));
  for (const size of known) {
    svg.append(make('svg:circle', { class: size.factor === 1 ? 'mark' : 'line', cx: x(size), cy: y(size.miss_ratio),
                                    r: size.factor === 1 ? 4 : 2 }),
               make('svg:text', { x: x(size), y: HEIGHT - 3, 'text-anchor': 'middle' }, bytes(size.limit_bytes)));
  }
  element('sizing').replaceChildren(make('figure', { class: 'wide' }, make('figcaption', {}, make('b', {}, 'Misses by memory limit'),
    make('i', { class: 'second' }, 'the present one')), svg));
}

// --- asking ---

async function ask(path) {
  const reply = await fetch(path, { cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(ASK_MS) });
  if (!reply.ok) throw new Error(`${reply.status}: ${(await reply.text()).trim()}`);
  return reply.json();
}

// A fault is announced to those who cannot see it; the time is not, every two seconds.
function tell(text, fault) {
  element('status').textContent = text;
  if (element('fault').textContent !== fault) element('fault').textContent = fault;
}

async function refreshHistory() {
  try {
    const asked = span;
    const history = await ask(`api/v1/history?span=${asked}`);
    if (asked === span) showHistory(history);
    element('plots').classList.remove('old');
  } catch {
    element('plots').classList.add('old');  // refreshStats says why.
  }
}

// What the last second had.
async function lastSecond() {
  const series = Object.entries((await ask('api/v1/history?span=10m')).series);
  return series[0][1].length === 0 ? null : Object.fromEntries(series.map(([name, values]) => [name, values.at(-1)]));
}

async function refreshStats() {
  try {
    const stats = await ask('api/v1/stats');
    showNow(stats, await lastSecond());
    showMemory(stats.memory);
    showSizing(stats.sizing);
    showKeys(stats.hot_keys);
    showClasses(stats.classes);
    showNamespaces(stats.namespaces);
    showGone(stats.general);
    showConnections(stats);
    tell(`as of ${new Date().toLocaleTimeString()}`, '');
  } catch (error) {
    tell('', `no answer from the server (${error.message}); trying again`);
  }
}

// Calls `refresh` again and again, one call after the other, and not while nobody looks. What it returns has the next call
// be at once.
function repeat(refresh, pauseMs) {
  let wake = () => {};
  (async () => {
    for (;;) {
      if (!document.hidden) await refresh();
      await new Promise(resolve => {
        wake = resolve;
        setTimeout(resolve, pauseMs());
      });
    }
  })();
  return () => wake();
}

element('spans').addEventListener('click', event => {
  if (!event.target.dataset.span) return;
  span = event.target.dataset.span;
  for (const button of element('spans').querySelectorAll('button')) {
    button.setAttribute('aria-pressed', String(button.dataset.span === span));
  }
  historyNow();
});

element('explain').addEventListener('submit', async event => {
  event.preventDefault();
  const key = element('key').value;
  try {
    element('explanation').textContent = (await ask(`api/v1/explain?key=${encodeURIComponent(key)}`)).summary;
  } catch (error) {
    element('explanation').textContent = error.message;
  }
});

const historyNow = repeat(refreshHistory, () => HISTORY_MS[span]);
const statsNow = repeat(refreshStats, () => STATS_MS);
document.addEventListener('visibilitychange', () => {
  historyNow();
  statsNow();
});
