// page.js — draws weir.report/1 with Chart.js. State is what the controls say; draw() makes everything anew of it.
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const METRICS = [['lin', 'QoE lin'], ['log', 'QoE log'], ['vmaf', 'QoE vmaf']]
    .filter(([key]) => data.sets.some(s => s.cells.some(c => c && c[key][0] !== null)));
  const state = {set: 0, metric: METRICS.length ? METRICS[0][0] : 'lin', hidden: new Set(), example: 1, players: null,
    sort: null, down: true};
  const charts = [];

  // --- algorithms: at most eight hues; further ones by dashes and marks ---
  const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
  const MARKS = ['circle', 'rectRot', 'triangle', 'rect'];
  let player = 0;
  data.abrs.forEach((a, i) => {
    a.index = i;
    if (a.kind === 'player') {
      a.colour = '--s' + player % 8;
      a.round = Math.floor(player / 8) % 4;
      player++;
    } else {
      a.colour = '--optimum';
      a.round = a.kind === 'bound' ? 1 : 0;
    }
  });
  const token = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = a => token(a.colour);
  const metricIndex = () => ['lin', 'log'].indexOf(state.metric);
  // A row of the offline optimum says something about its own figure alone.
  const concerns = a => a.kind === 'player' || a.name.endsWith('-' + state.metric);
  const shown = set => data.abrs.filter(a => set.cells[a.index] && !state.hidden.has(a.index) && concerns(a));
  const label = set => set.name + ', ' + data.contents[set.content].name;
  const current = () => data.sets[state.set];

  // The same order everywhere: by the mean over all sets of the place among those who ran.
  function ranked(list) {
    const rank = a => {
      let sum = 0, n = 0;
      for (const s of data.sets) {
        const own = s.cells[a.index];
        if (!own || own[state.metric][0] === null) continue;
        const all = s.cells.filter(c => c && c[state.metric][0] !== null);
        sum += all.filter(c => c[state.metric][0] > own[state.metric][0]).length / all.length;
        n++;
      }
      return n ? sum / n : 2;
    };
    return list.map(a => [rank(a), a]).sort((x, y) => x[0] - y[0] || x[1].index - y[1].index).map(x => x[1]);
  }

  // --- small things ---
  function element(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes || {})) k === 'text' ? e.textContent = v : e.setAttribute(k, v);
    e.append(...children);
    return e;
  }
  function swatch(a) {
    const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg'), line = document.createElementNS(ns, 'line');
    svg.setAttribute('width', 22); svg.setAttribute('height', 8); svg.setAttribute('aria-hidden', 'true');
    for (const [k, v] of Object.entries({x1: 0, x2: 22, y1: 4, y2: 4, 'stroke-width': 3, 'stroke-dasharray': DASHES[a.round].join(' ')}))
      line.setAttribute(k, v);
    line.style.stroke = `var(${a.colour})`;
    svg.append(line);
    return svg;
  }
  function format(v, places) {
    if (v === null || v === undefined) return '–';
    if (places === undefined) places = Math.abs(v) >= 100 ? 1 : Math.abs(v) >= 10 ? 2 : 3;
    return v.toFixed(places).replace('-', '−');
  }
  const percent = (v, places) => v === null ? '–' : format(v * 100, places === undefined ? 1 : places);
  const interval = c => `${format(c[0])} [${format(c[1])}, ${format(c[2])}]`;
  const shorten = (s, n) => s.length > n ? s.slice(0, n - 1) + '…' : s;

  // --- Chart.js ---
  Chart.defaults.animation = false;
  Chart.defaults.responsive = true;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.plugins.legend.display = false;

  // Whiskers from low to high, horizontal, and bands behind everything.
  const whiskers = {
    id: 'whiskers',
    beforeDatasetsDraw(chart, _, options) {
      const {ctx, scales: {x, y}, chartArea} = chart;
      ctx.save();
      for (const b of options.bands || []) {
        const left = x.getPixelForValue(b[0]), right = x.getPixelForValue(b[1]);
        ctx.fillStyle = token('--band');
        ctx.fillRect(left, chartArea.top, Math.max(right - left, 1.5), chartArea.bottom - chartArea.top);
      }
      for (const w of options.items || []) {
        if (w.low === null || w.low === undefined) continue;
        const at = y.getPixelForValue(w.y), low = Math.max(x.getPixelForValue(w.low), chartArea.left), high = x.getPixelForValue(w.high);
        ctx.strokeStyle = w.colour;
        ctx.lineWidth = 2;
        ctx.beginPath();
        ctx.moveTo(low, at); ctx.lineTo(high, at);
        ctx.moveTo(low, at - 4); ctx.lineTo(low, at + 4);
        ctx.moveTo(high, at - 4); ctx.lineTo(high, at + 4);
        ctx.stroke();
      }
      ctx.restore();
    }
  };
  // Names beside points, where they do not run into each other.
  const names = {
    id: 'names',
    afterDatasetsDraw(chart, _, options) {
      if (!options.on) return;
      const {ctx, chartArea} = chart, taken = [];
      ctx.save();
      ctx.font = '12px ' + Chart.defaults.font.family;
      ctx.textBaseline = 'middle';
      chart.data.datasets.forEach((d, i) => chart.getDatasetMeta(i).data.forEach(p => taken.push([p.x - 6, p.y - 6, p.x + 6, p.y + 6])));
      chart.data.datasets.forEach((d, i) => {
        const p = chart.getDatasetMeta(i).data[0];
        if (!p) return;
        const text = shorten(d.label, 24), w = ctx.measureText(text).width;
        for (const [dx, dy] of [[9, 0], [-9 - w, 0], [9, -13], [9, 13], [-9 - w, -13], [-9 - w, 13], [-w / 2, -15], [-w / 2, 15]]) {
          const box = [p.x + dx, p.y + dy - 7, p.x + dx + w, p.y + dy + 7];
          if (box[0] < chartArea.left || box[2] > chartArea.right || box[1] < chartArea.top || box[3] > chartArea.bottom) continue;
          if (taken.some(t => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
          taken.push(box);
          ctx.fillStyle = token('--ink');
          ctx.fillText(text, box[0], p.y + dy);
          break;
        }
      });
      ctx.restore();
    }
  };
  Chart.register(whiskers, names);

  function axis(title, more) {
    return Object.assign({
      title: {display: Boolean(title), text: title, color: token('--muted')},
      ticks: {color: token('--muted'), maxRotation: 0, includeBounds: false},
      grid: {color: token('--grid')},
      border: {color: token('--line')}
    }, more);
  }
  function draw(canvas, config) {
    config.options.plugins = Object.assign({
      tooltip: {backgroundColor: token('--ink'), titleColor: token('--surface'), bodyColor: token('--surface'), displayColors: false}
    }, config.options.plugins);
    const chart = new Chart(canvas, config);
    charts.push(chart);
    return chart;
  }

  // Points with whiskers, an algorithm a line: rows of {a, at, low, high}.
  function dots(holder, rows, title, bands, tip) {
    const canvas = element('canvas', {role: 'img', 'aria-label': `${title}; the same figures are in the table`});
    holder.style.height = rows.length * 21 + 58 + 'px';
    holder.append(canvas);
    const ticks = axis('', {min: -0.6, max: rows.length - 0.4, reverse: true, afterBuildTicks: s => { s.ticks = rows.map((_, i) => ({value: i})); }});
    ticks.ticks = {color: token('--ink'), autoSkip: false, callback: i => rows[i] ? shorten(rows[i].a.name, 20) : ''};
    ticks.grid = {display: false};
    const values = rows.flatMap(r => [r.at, r.low, r.high]).concat((bands || []).flat()).filter(v => v !== null && v !== undefined);
    // One that is far off would squeeze all others: it is drawn at the edge, as an arrow.
    const most = Math.max(...values), places = rows.map(r => r.at).sort((x, y) => x - y), middle = places[places.length >> 1];
    const least = Math.max(Math.min(...values), middle - 3 * (most - middle || Math.abs(most) || 1));
    const room = (most - least) * 0.06 || Math.abs(most) * 0.05 || 1, beyond = r => r.at < least;
    draw(canvas, {
      type: 'scatter',
      data: {datasets: rows.map((r, i) => ({
        label: r.a.name, data: [{x: beyond(r) ? least : r.at, y: i}], pointStyle: beyond(r) ? 'triangle' : MARKS[r.a.round],
        rotation: beyond(r) ? -90 : 0, radius: 5, hoverRadius: 7,
        backgroundColor: colour(r.a), borderColor: token('--surface'), borderWidth: 1
      }))},
      options: {
        layout: {padding: {right: 6}},
        scales: {x: axis(title, {min: least - room, max: most + room}), y: ticks},
        plugins: {
          whiskers: {items: rows.map((r, i) => ({y: i, low: r.low, high: r.high, colour: colour(r.a)})).filter((_, i) => !beyond(rows[i])), bands},
          tooltip: {displayColors: false, callbacks: {label: c => tip(rows[c.dataset.data[0].y])}}
        }
      }
    });
  }

  function panel(holder, set, i) {
    const button = element('button', {type: 'button', text: set.name, title: 'Show this set below'});
    button.onclick = () => { state.set = i; state.example = 1; $('set').value = i; drawSet(); $('h-set').scrollIntoView({behavior: 'smooth', block: 'center'}); };
    const box = element('div');
    holder.append(element('div', {class: 'panel'},
      element('h3', {}, button, ' ', element('small', {text: `${data.contents[set.content].name}, ${set.traces} traces`})), box));
    return box;
  }

  function drawPanels() {
    const name = METRICS.find(m => m[0] === state.metric)[1];
    $('panels').replaceChildren();
    data.sets.forEach((set, i) => {
      const rows = ranked(shown(set)).map(a => {
        const c = set.cells[a.index][state.metric];
        return {a, at: c[0], low: c[1], high: c[2]};
      }).filter(r => r.at !== null);
      if (rows.length) dots(panel($('panels'), set, i), rows, name, null, r => `${r.a.name}: ${interval([r.at, r.low, r.high])}`);
    });
  }

  function drawShares() {
    const m = metricIndex();
    let any = false;
    $('shares').replaceChildren();
    data.sets.forEach((set, i) => {
      if (m < 0) return;
      const list = shown(set).filter(a => a.kind === 'player' && set.cells[a.index].share[m][0] !== null);
      if (!list.length) return;
      any = true;
      const rows = ranked(list).map(a => {
        const s = set.cells[a.index].share[m];
        return {a, at: s[0] * 100, low: s[1] === null ? null : s[1] * 100, high: s[2] === null ? null : s[2] * 100, bracket: s[3]};
      });
      const bracket = rows[0].bracket === null ? null : rows[0].bracket * 100;
      const title = bracket === null ? '% of the bound' : `% of the bound (bracket ${format(bracket, 2)} %)`;
      dots(panel($('shares'), set, i), rows, title, bracket === null ? null : [[100 - bracket, 100]],
        r => `${r.a.name}: ${interval([r.at, r.low, r.high])} %`);
    });
    $('share-section').hidden = !any;
  }

  function drawCurves(set) {
    const key = 'curve_' + state.metric;
    const list = ranked(shown(set)).filter(a => set.cells[a.index][key]);
    const all = list.flatMap(a => set.cells[a.index][key]);
    // The lowest few percent would squeeze everything else.
    const sorted = all.slice().sort((x, y) => x - y), low = sorted[Math.floor(sorted.length * 0.04)];
    draw($('cdf'), {
      type: 'line',
      data: {datasets: list.map(a => ({
        label: a.name, data: set.cells[a.index][key].map((x, i) => ({x, y: i})), borderColor: colour(a), backgroundColor: colour(a),
        borderDash: DASHES[a.round], borderWidth: 2, pointRadius: 0, pointHitRadius: 6
      }))},
      options: {
        parsing: false, interaction: {mode: 'nearest', axis: 'xy', intersect: false},
        scales: {x: axis(METRICS.find(m => m[0] === state.metric)[1], {type: 'linear', min: low}), y: axis('% of sessions', {min: 0, max: 100})},
        plugins: {tooltip: {displayColors: false, callbacks: {title: () => '', label: c => `${c.dataset.label}: ${c.raw.y} % below ${format(c.raw.x)}`}}}
      }
    });
  }

  function drawPlane(set) {
    const list = shown(set).filter(a => a.kind !== 'bound');
    const rates = list.map(a => set.cells[a.index].bitrate / 1e6), span = Math.max(...rates) - Math.min(...rates) || 1;
    draw($('plane'), {
      type: 'scatter',
      data: {datasets: list.map(a => {
        const c = set.cells[a.index];
        return {label: a.name, data: [{x: c.bitrate / 1e6, y: c.rebuffer * 100}], pointStyle: MARKS[a.round], radius: 6, hoverRadius: 8,
          backgroundColor: colour(a), borderColor: token('--surface'), borderWidth: 1};
      })},
      options: {
        layout: {padding: {top: 8, right: 8}},
        scales: {x: axis('Mean bitrate, Mbit/s', {min: Math.max(0, Math.min(...rates) - span * 0.12), max: Math.max(...rates) + span * 0.15}), y: axis('Time stalled, %', {min: 0, grace: '8%'})},
        plugins: {names: {on: true},
          tooltip: {displayColors: false, callbacks: {label: c => `${c.dataset.label}: ${format(c.raw.x, 2)} Mbit/s, ${format(c.raw.y, 2)} % stalled`}}}
      }
    });
  }

  // --- the table ---
  function columns(set) {
    const bounded = set.cells.some(c => c && c.share[0][0] !== null || c && c.share[1][0] !== null);
    const list = [
      ['QoE lin\n[95 % CI]', c => c.lin[0], c => interval(c.lin), true],
      ['QoE log\n[95 % CI]', c => c.log[0], c => interval(c.log), true],
      ['Bitrate\nMbit/s', c => c.bitrate === null ? null : c.bitrate / 1e6, null, true],
      ['Stalled\n%', c => c.rebuffer === null ? null : c.rebuffer * 100, null, false],
      ['p95 stall\ns', c => c.p95, null, false],
      ['Any stall\n%', c => c.p95 === null ? null : 100 * c.stalled / c.sessions, null, false],
      ['Start-up\ns', c => c.startup, null, false],
      ['Switches', c => c.switches, null, null],
    ];
    if (METRICS.some(m => m[0] === 'vmaf') && set.cells.some(c => c && c.vmaf[0] !== null))
      list.splice(2, 0, ['QoE vmaf\n[95 % CI]', c => c.vmaf[0], c => interval(c.vmaf), true]);
    if (bounded) for (const [m, name] of [[0, 'lin'], [1, 'log']])
      list.push([`Share ${name}, %\n(bracket)`, c => c.share[m][0], c => `${percent(c.share[m][0])} (${percent(c.share[m][3], 2)})`, true]);
    if (data.baseline >= 0) for (const [m, name] of [[0, 'lin'], [1, 'log']])
      list.push([`Δ ${name}\n(p, Holm)`, c => c.difference[m][0],
        c => `${c.difference[m][0] > 0 ? '+' : ''}${format(c.difference[m][0])} (${c.difference[m][3] === null ? '–' : c.difference[m][3] < 0.0005 ? '<0.001' : format(c.difference[m][3], 3)})`, true]);
    list.push(['Sessions', c => c.sessions, c => String(c.sessions), null]);
    return list;
  }
  function drawTable(set) {
    const cols = columns(set), body = element('tbody'), row = element('tr');
    const rows = ranked(data.abrs.filter(a => set.cells[a.index] && !state.hidden.has(a.index)));
    const heading = (text, i) => {
      const button = element('button', {type: 'button', text}), th = element('th', {scope: 'col'}, button);
      if (state.sort === i) th.setAttribute('aria-sort', state.down ? 'descending' : 'ascending');
      button.onclick = () => { state.down = state.sort === i ? !state.down : i >= 0; state.sort = i; drawTable(set); };
      return th;
    };
    row.append(heading('Algorithm', -1), ...cols.map((c, i) => heading(c[0], i)));
    if (state.sort !== null) rows.sort((a, b) => {
      const [x, y] = [a, b].map(r => state.sort < 0 ? r.name : cols[state.sort] ? cols[state.sort][1](set.cells[r.index]) : null);
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (state.down ? -1 : 1);
    });
    const best = cols.map(c => {
      const v = rows.filter(a => a.kind === 'player').map(a => c[1](set.cells[a.index])).filter(x => x !== null);
      return c[3] === null || v.length < 2 || Math.max(...v) === Math.min(...v) ? null : c[3] ? Math.max(...v) : Math.min(...v);
    });
    for (const a of rows) {
      const cell = set.cells[a.index], name = element('span', {class: 'name'}, swatch(a), a.name), tr = element('tr', {}, element('td', {}, name));
      cols.forEach((c, i) => {
        const v = c[1](cell), td = element('td');
        if (v !== null) {
          const text = c[2] ? c[2](cell) : format(v, Math.abs(v) >= 100 ? 1 : 2);
          const cut = text.search(/ [[(]/);
          td.append(cut < 0 ? text : text.slice(0, cut), cut < 0 ? '' : element('small', {text: text.slice(cut)}));
          if (a.kind === 'player' && best[i] !== null && v === best[i]) td.className = 'best';
        } else td.textContent = '–';
        tr.append(td);
      });
      body.append(tr);
    }
    $('table').replaceChildren(element('thead', {}, row), body);
  }

  // --- sessions over time ---
  function example() { const set = current(); return set.examples[Math.min(state.example, set.examples.length - 1)]; }
  function drawSessions(set) {
    $('session-section').hidden = !data.sets.some(s => s.examples.length);
    $('example').replaceChildren(...set.examples.map((e, i) => element('option', {value: i, text: `${e.label}: ${e.trace}`})));
    const e = example();
    $('players').replaceChildren();
    if (!e) { $('replay').textContent = data.missing || ''; return; }
    $('example').value = Math.min(state.example, set.examples.length - 1);
    const here = e.sessions.map(s => data.abrs[s.abr]);
    if (!state.players || !here.some(a => state.players.has(a.index))) {
      const best = ranked(here), first = here.find(a => a.name === 'weir') || best[0], second = best.find(a => a !== first);
      state.players = new Set([first, second].filter(Boolean).map(a => a.index));
    }
    $('players').append(...here.map(a => chip(a, state.players.has(a.index), on => {
      on ? state.players.add(a.index) : state.players.delete(a.index);
      redraw();
    })));
    const list = e.sessions.filter(s => state.players.has(s.abr));
    const end = Math.max(1, ...list.map(s => s.end));
    const time = axis('', {type: 'linear', min: 0, max: end});
    const twice = a => list.some(s => s.abr !== a.index && data.abrs[s.abr].colour === a.colour);
    const base = a => ({label: a.name, borderColor: colour(a), backgroundColor: colour(a), borderDash: twice(a) ? DASHES[a.round] : [], borderWidth: 2, pointRadius: 0, pointHitRadius: 5});
    const series = (s, key) => s.t.map((x, i) => ({x, y: s[key][i]})).filter(p => p.x !== null && p.y !== null);
    const rate = [], step = e.rate.period / e.rate.mbps.length;
    for (let i = 0; i * step <= end && rate.length < 4000; i++) rate.push({x: i * step, y: e.rate.mbps[i % e.rate.mbps.length]});
    const options = (y, unit, places, xtitle) => ({
      parsing: false, interaction: {mode: 'nearest', axis: 'xy', intersect: false},
      scales: {x: Object.assign({}, time, {title: {display: Boolean(xtitle), text: xtitle, color: token('--muted')}}),
        y: Object.assign(y, {afterFit: s => { s.width = 48; }})},
      plugins: {tooltip: {displayColors: false, callbacks: {title: () => '', label: c => `${c.dataset.label}: ${format(c.raw.y, places)}${unit} at ${format(c.raw.x, 1)} s`}}}
    });
    draw($('t-rate'), {type: 'line', data: {datasets: [
      ...list.map(s => Object.assign(base(data.abrs[s.abr]), {data: series(s, 'throughput')})),
      {label: 'trace', data: rate, stepped: true, fill: true, borderWidth: 0, pointRadius: 0, backgroundColor: token('--trace')}
    ]}, options: options(axis('', {min: 0}), ' Mbit/s', 2)});
    const waits = list.filter(s => s.stall.some((v, i) => i && v > 0)).map(s => ({
      label: data.abrs[s.abr].name + ', waited for', type: 'scatter', pointStyle: 'crossRot', radius: 6, borderWidth: 2, showLine: false,
      borderColor: token('--bad'), data: s.t.map((x, i) => ({x, y: 0, s: s.stall[i]})).filter((p, i) => i && p.s > 0 && p.x !== null)
    }));
    draw($('t-buffer'), {type: 'line', data: {datasets: [...waits,
      ...list.map(s => Object.assign(base(data.abrs[s.abr]), {data: series(s, 'buffer')}))]}, options: options(axis('', {min: 0}), ' s', 1)});
    const rungs = axis('', {min: 0, grace: 0.3});
    rungs.ticks = Object.assign({precision: 0}, rungs.ticks);
    draw($('t-rung'), {type: 'line', data: {datasets: list.map(s => Object.assign(base(data.abrs[s.abr]), {data: series(s, 'rung'), stepped: true}))},
      options: options(rungs, '', 0, 'session time, s')});
    const a = list.length ? data.abrs[list[0].abr] : here[0], quoted = t => /^[\w./:=,@%+-]+$/.test(t) ? t : `'${t.replace(/'/g, "'\\''")}'`;
    const settings = [['net', data.net], ['buffer-max', Number(data.buffer_max_us) / 1e6], ['abandon', data.abandon === '0' ? 'off' : 'on'], ['seed', data.seed]]
      .concat(Number(data.rtt_us) >= 0 ? [['rtt-ms', Number(data.rtt_us) / 1000]] : []);
    $('replay').textContent = `weir sim --content ${quoted(data.contents[set.content].path || data.contents[set.content].name)} --trace ${quoted(e.path)} --abr ${quoted(a.name)} `
      + settings.map(([k, v]) => `--${k} ${v}`).join(' ');
  }

  // --- the frame ---
  function chip(a, on, change) {
    const b = element('button', {type: 'button', 'aria-pressed': String(on)}, swatch(a), shorten(a.name, 34));
    b.title = a.name;
    b.onclick = () => change(b.getAttribute('aria-pressed') !== 'true');
    return b;
  }
  function drawControls() {
    $('set').replaceChildren(...data.sets.map((s, i) => element('option', {value: i, text: label(s)})));
    $('set').value = state.set;
    $('metric').replaceChildren(...METRICS.map(([key, text]) => {
      const b = element('button', {type: 'button', text, 'aria-pressed': String(key === state.metric)});
      b.onclick = () => { state.metric = key; redraw(); };
      return b;
    }));
    $('legend').replaceChildren(...data.abrs.filter(a => data.sets.some(s => s.cells[a.index])).map(a => chip(a, !state.hidden.has(a.index), on => {
      on ? state.hidden.delete(a.index) : state.hidden.add(a.index);
      redraw();
    })));
  }
  function drawAbout() {
    const seconds = us => Number(us) < 0 ? 'default' : Number(us) / 1e6 + ' s';
    const facts = [['Command', data.command], ['Weir', data.weir_version], ['Network model', data.net],
      ['Buffer', seconds(data.buffer_max_us)], ['Abandonment', data.abandon === '0' ? 'off' : 'on'],
      ['Start times per trace', data.offsets], ['Seed', data.seed],
      ['Latency', Number(data.rtt_us) < 0 ? "the trace's own" : Number(data.rtt_us) / 1000 + ' ms'],
      ['Contents', data.contents.map(c => `${c.name} (${c.segments} segments, ${format(c.duration, 0)} s, ${format(c.lowest / 1e6, 2)} to ${format(c.highest / 1e6, 2)} Mbit/s)`).join('; ')]];
    const list = element('dl');
    for (const [k, v] of facts) if (v) list.append(element('dt', {text: k}), element('dd', {}, k === 'Command' ? element('code', {text: v}) : v));
    const notes = ['QoE is the mean per segment of quality, less stalls times the ladder’s highest quality, less changes of quality between neighbours; start-up is charged to the first segment. lin: Mbit/s; log: ln(bitrate / lowest).',
      'Means are over traces (several start times of one trace count as one). Intervals: 95 % percentile bootstrap by trace. Differences are paired by trace; p-values by sign flips, corrected after Holm over the algorithms of a set.'];
    if (data.baseline >= 0) notes.push('Differences are from ' + data.abrs[data.baseline].name + '.');
    if (data.failed) notes.push(`${data.failed} sessions ended early by an error and are in no figure.`);
    if (data.missing) notes.push('Not all sessions are drawn over time. ' + data.missing);
    $('about').replaceChildren(list, ...notes.map(text => element('p', {text})));
  }
  function drawSet() { redraw(); }
  function redraw() {
    const set = current();
    while (charts.length) charts.pop().destroy();
    drawControls();
    document.querySelectorAll('[data-set]').forEach(e => { e.textContent = set ? label(set) : ''; });
    document.querySelectorAll('[data-metric]').forEach(e => { e.textContent = (METRICS.find(m => m[0] === state.metric) || ['', 'QoE'])[1]; });
    if (!set || !METRICS.length) return;
    const named = (list, text) => list.length ? ` ${list.length} ${text}: ${list.slice(0, 6).join(', ')}${list.length > 6 ? ' …' : '.'}` : '';
    const m = metricIndex();
    $('set-notes').textContent = `${set.traces} traces.` + named(set.hopeless, 'hopeless (mean below the lowest rung)')
      + named(set.left_out, 'in no figure, not finished by every algorithm')
      + (m >= 0 ? named(set.unshared[m], 'without a positive bound, not in the share') : '');
    drawPanels();
    drawCurves(set);
    drawPlane(set);
    drawShares();
    drawTable(set);
    drawSessions(set);
  }

  const dark = matchMedia('(prefers-color-scheme: dark)');
  let chosen = null;
  function applyTheme(name) {
    document.documentElement.dataset.theme = name;
    $('theme').textContent = name === 'dark' ? 'Light' : 'Dark';
    $('theme').setAttribute('aria-pressed', String(name === 'dark'));
    redraw();
  }
  const wanted = () => chosen || (dark.matches ? 'dark' : 'light');
  $('theme').onclick = () => { chosen = wanted() === 'dark' ? 'light' : 'dark'; applyTheme(chosen); };
  dark.addEventListener('change', () => applyTheme(wanted()));
  addEventListener('beforeprint', () => applyTheme('light'));
  addEventListener('afterprint', () => applyTheme(wanted()));
  $('print').onclick = () => print();
  $('set').onchange = () => { state.set = Number($('set').value); state.example = 1; redraw(); };
  $('example').onchange = () => { state.example = Number($('example').value); redraw(); };

  const players = data.abrs.filter(a => a.kind === 'player').length;
  $('title').textContent = `Comparison of ${players} algorithm${players === 1 ? '' : 's'}`;
  $('subtitle').textContent = `${data.sessions.toLocaleString('en')} sessions over ${data.sets.length} set${data.sets.length === 1 ? '' : 's'} of traces, Weir ${data.weir_version}`;
  drawAbout();
  applyTheme(wanted());
  document.documentElement.dataset.ready = 'yes';
})();
