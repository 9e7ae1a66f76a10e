'use strict';
(() => {
  const byId = id => document.getElementById(id);
  const form = byId('filter');
  const openTarget = () => {
    const target = location.hash.length > 1 && !location.hash.includes('=') && byId(location.hash.slice(1));
    if (target && target.tagName === 'DETAILS') target.open = true;
  };
  addEventListener('hashchange', openTarget);
  openTarget();
  addEventListener('beforeprint', () => { for (const each of document.querySelectorAll('details')) each.open = true; });
  if (!form) return;
  const data = JSON.parse(byId('data').textContent);
  const [ID, PEER, ROLE, LEVEL, VERDICT, EXPECTED, KNOWN, MS, SECTION, REASON, ABOUT, CLAUSES, PAGE] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const BATCH = 200;
  const CLAUSES_SHOWN = 8;
  const unsupported = data.verdicts.findIndex(([name]) => name === 'unsupported');
  // What was not played is better known than nothing, and less than anything else.
  const worse = (a, b) => b === undefined || (a !== unsupported && (b === unsupported || a > b)) ? a : b;

  const element = (tag, className, ...children) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  const verdict = number => {
    const [name, glyph] = data.verdicts[number];
    const sign = element('span', 'g', glyph);
    sign.setAttribute('aria-hidden', 'true');
    return element('span', 'v ' + name, sign, ' ' + name);
  };

  // What a text is looked for in; nobody waits for it who looks for none.
  const once = make => { let made; return () => made ??= make(); };
  const caseText = once(() => data.cases.map(row => [row[ID], data.peers[row[PEER]], data.texts[row[REASON]], data.texts[row[ABOUT]],
    ...row[CLAUSES].map(number => data.clauses[number][0])].join('\n').toLowerCase()));
  const clauseText = once(() => data.clauses.map(clause => clause.join('\n').toLowerCase()));

  const option = (select, value) => { const made = element('option', '', value); made.value = value; select.append(made); };
  data.sections.forEach(name => option(form.elements.section, name));
  data.peers.forEach(name => option(form.elements.peer, name));
  const pressed = new Set();
  const buttons = data.verdicts.map(([name], number) => {
    const cases = data.cases.filter(row => row[VERDICT] === number).length;
    const button = element('button', 'v ' + name, ...verdict(number).childNodes, ' ' + cases);
    button.type = 'button';
    button.hidden = cases === 0;
    button.addEventListener('click', () => { if (!pressed.delete(name)) pressed.add(name); changed(); });
    byId('verdicts').append(button);
    return button;
  });

  const FIELDS = ['view', 'q', 'section', 'peer', 'role', 'level'];
  const BOXES = ['unexpected', 'untested'];
  const read = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const name of FIELDS) form.elements[name].value = wanted.get(name) ?? (name === 'view' ? 'cases' : '');
    for (const name of BOXES) form.elements[name].checked = wanted.get(name) === '1';
    pressed.clear();
    for (const name of (wanted.get('verdict') ?? '').split(',')) if (data.verdicts.some(([known]) => known === name)) pressed.add(name);
  };
  const state = () => {
    const values = new URLSearchParams();
    for (const name of FIELDS) if (form.elements[name].value) values.set(name, form.elements[name].value);
    if (pressed.size) values.set('verdict', [...pressed].join(','));
    for (const name of BOXES) if (form.elements[name].checked) values.set(name, '1');
    return values;
  };

  const matches = (row, number, words, wanted) =>
    (!wanted.peer || data.peers[row[PEER]] === wanted.peer) && (!wanted.role || row[ROLE] === wanted.role) &&
    (!wanted.section || data.sections[row[SECTION]] === wanted.section) && (!wanted.level || row[LEVEL] === wanted.level) &&
    (!wanted.unexpected || !row[EXPECTED]) && (!pressed.size || pressed.has(data.verdicts[row[VERDICT]][0])) &&
    words.every(word => caseText()[number].includes(word));

  const caseRow = row => {
    const name = element('span', '', verdict(row[VERDICT]), ' ', element('span', 'id', row[ID]));
    let head = name;
    if (row[PAGE]) { head = element('a', '', name); head.href = row[PAGE]; }
    const known = row[KNOWN] ? ', known failure' : row[EXPECTED] ? '' : ', unexpected';
    const about = element('span', 'dim', ` ${data.peers[row[PEER]]}, harness is ${row[ROLE]}, ${row[LEVEL]}, ${row[MS]} ms${known}`);
    const item = element('li', '', head, about, element('p', 'reason', data.texts[row[REASON]]));
    const ids = row[CLAUSES].map(number => data.clauses[number][0]);
    const clauses = ids.slice(0, CLAUSES_SHOWN).join(', ') + (ids.length > CLAUSES_SHOWN ? ` and ${ids.length - CLAUSES_SHOWN} more` : '');
    item.append(element('p', 'dim', data.texts[row[ABOUT]] + ' ' + clauses + (row[PAGE] ? '' : ' (not played, so there is no page)')));
    return item;
  };
  const clauseRow = ([number, peers]) => {
    const [id, place, level, summary, untestable] = data.clauses[number];
    const link = element('a', '', element('span', 'id', id));
    link.href = '#' + new URLSearchParams({ view: 'cases', q: id });
    const item = element('li', '', link, element('span', 'dim', ` ${place}, ${level}`), element('p', 'reason', summary));
    const line = element('div', 'verdicts');
    for (const [peer, { worst, cases }] of peers) {
      line.append(element('span', '', verdict(worst), ` ${data.peers[peer]}`, element('span', 'dim', ` ${cases} case${cases === 1 ? '' : 's'}`)));
    }
    if (!peers.size) line.append(element('span', 'dim', untestable ? `no test can see it: ${untestable}` : 'no case of this run'));
    item.append(line);
    return item;
  };

  const wantedRows = () => {
    const wanted = Object.fromEntries(state());
    const words = (wanted.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.view !== 'clauses') {
      return [data.cases.filter((row, number) => matches(row, number, words, wanted)), caseRow, data.cases.length, 'case'];
    }
    const found = new Map();
    const free = { ...wanted, level: '', unexpected: wanted.unexpected };
    const chosen = new Set(pressed);
    pressed.clear();
    data.cases.forEach((row, number) => {
      if (!matches(row, number, [], free)) return;
      for (const clause of row[CLAUSES]) {
        if (!found.has(clause)) found.set(clause, new Map());
        const known = found.get(clause).get(row[PEER]);
        found.get(clause).set(row[PEER], { worst: worse(row[VERDICT], known?.worst), cases: (known?.cases ?? 0) + 1 });
      }
    });
    chosen.forEach(name => pressed.add(name));
    const narrowed = wanted.section || wanted.peer || wanted.role || wanted.unexpected || chosen.size;
    const rows = data.clauses.map((_, number) => [number, found.get(number) ?? new Map()]).filter(([number, peers]) =>
      (peers.size || (wanted.untested && !narrowed)) && (!wanted.level || data.clauses[number][2] === wanted.level) &&
      (!chosen.size || [...peers.values()].some(({ worst }) => chosen.has(data.verdicts[worst][0]))) &&
      words.every(word => clauseText()[number].includes(word)));
    return [rows, clauseRow, data.clauses.length, 'clause'];
  };

  let [rows, make, shown] = [[], caseRow, 0];
  const more = () => {
    const batch = document.createDocumentFragment();
    for (const row of rows.slice(shown, shown + BATCH)) batch.append(make(row));
    byId('rows').append(batch);
    shown = Math.min(shown + BATCH, rows.length);
    byId('more').hidden = shown >= rows.length;
    byId('more').textContent = `Show more (${rows.length - shown} left)`;
  };
  const render = () => {
    let all, what;
    [rows, make, all, what] = wantedRows();
    shown = 0;
    byId('rows').replaceChildren();
    byId('count').textContent = `${rows.length} of ${all} ${what}s`;
    buttons.forEach((button, number) => button.setAttribute('aria-pressed', String(pressed.has(data.verdicts[number][0]))));
    more();
  };
  const changed = () => {
    // The address has the filter, so that what is seen can be linked.
    history.replaceState(null, '', '#' + state());
    render();
  };

  form.hidden = false;
  form.addEventListener('submit', event => event.preventDefault());
  form.addEventListener('input', changed);
  form.addEventListener('reset', event => {
    event.preventDefault();
    history.replaceState(null, '', '#view=' + form.elements.view.value);
    read();
    render();
  });
  byId('more').addEventListener('click', more);
  const follow = () => {
    if (location.hash && !location.hash.includes('=')) return;
    read();
    render();
    if (location.hash) byId('results').scrollIntoView();
  };
  addEventListener('hashchange', follow);
  addEventListener('keydown', event => {
    const typing = event.target.matches('input, select, textarea');
    if (event.key === '/' && !typing) { event.preventDefault(); form.elements.q.focus(); }
    if (typing || !['ArrowDown', 'ArrowUp'].includes(event.key) || !event.target.closest('#rows')) return;
    const links = [...byId('rows').querySelectorAll('a')];
    const next = links[links.indexOf(event.target.closest('a')) + (event.key === 'ArrowDown' ? 1 : -1)];
    if (next) { event.preventDefault(); next.focus(); }
  });
  read();
  render();
  if (location.hash.includes('=')) byId('results').scrollIntoView();
})();
