'use strict';
(() => {
  const messages = [...document.querySelectorAll('details.message')];
  const numbers = text => text.split('+').map(Number);

  const prepare = details => {
    if (details.dataset.ready) return;
    details.dataset.ready = '1';
    const [tree, hex, status] = ['.tree', '.hex', '.status'].map(name => details.querySelector(name));
    const rows = [...tree.querySelectorAll('li[data-r]')];
    const ranges = rows.map(row => numbers(row.dataset.r));
    // A row has the last part of its path; the parts before it are those of the rows above that it is nested in.
    const depth = row => Number(/\bd(\d)\b/.exec(row.className)[1]);
    const above = [];
    const paths = rows.map(row => {
      above.length = depth(row);
      above.push(row.dataset.n ?? row.firstChild.textContent.trim());
      return above.join('.');
    });
    const bytes = [];

    // Each octet gets an element of its own; the text stays as it is.
    const lines = hex.textContent.split('\n').filter(Boolean);
    hex.replaceChildren();
    for (const line of lines) {
      hex.append(line.slice(0, 6));
      const octets = line.slice(6, 53).trim().split(' ');
      octets.forEach((octet, index) => {
        const span = document.createElement('span');
        span.className = 'b';
        span.textContent = octet;
        bytes.push(span);
        hex.append(index ? ' ' : '', span);
      });
      hex.append(line.slice(6 + octets.length * 3 - 1) + '\n');
    }
    const each = (row, action) => {
      const [offset, len] = ranges[row];
      for (let at = offset; at < offset + len && at < bytes.length; at += 1) action(bytes[at]);
    };
    for (const mark of ['edit', 'hit']) {
      rows.forEach((row, index) => { if (row.classList.contains(mark)) each(index, octet => octet.classList.add(mark)); });
    }

    // The innermost field that has an octet.
    const rowOf = at => ranges.reduce((best, [offset, len], index) =>
      at >= offset && at < offset + len && (best < 0 || len <= ranges[best][1]) ? index : best, -1);

    let selected = -1;
    let cursor = 0;
    const paint = (name, row) => {
      for (const old of details.querySelectorAll('.' + name)) old.classList.remove(name);
      if (row < 0) return;
      rows[row].classList.add(name);
      each(row, octet => octet.classList.add(name));
    };
    const select = (row, focus) => {
      if (row < 0) return;
      if (selected >= 0) { rows[selected].tabIndex = -1; rows[selected].setAttribute('aria-selected', 'false'); }
      selected = row;
      rows[row].tabIndex = 0;
      rows[row].setAttribute('aria-selected', 'true');
      paint('sel', row);
      const [offset, len] = ranges[row];
      const place = len === 0 ? `no octet, at ${offset}` : len === 1 ? `octet ${offset}` : `octets ${offset} to ${offset + len - 1}`;
      status.textContent = `${place}: ${paths[row]} = ${rows[row].querySelector('b')?.textContent ?? ''}`;
      history.replaceState(null, '', `#${details.id}/${rows[row].dataset.r}`);
      if (focus) rows[row].focus({ preventScroll: false });
    };
    const move = at => {
      cursor = Math.max(0, Math.min(bytes.length - 1, at));
      for (const old of hex.querySelectorAll('.cur')) old.classList.remove('cur');
      bytes[cursor]?.classList.add('cur');
      select(rowOf(cursor), false);
      bytes[cursor]?.scrollIntoView({ block: 'nearest' });
      if (selected >= 0) rows[selected].scrollIntoView({ block: 'nearest' });
    };

    tree.setAttribute('role', 'listbox');
    rows.forEach((row, index) => { row.setAttribute('role', 'option'); row.setAttribute('aria-selected', 'false'); row.tabIndex = index ? -1 : 0; });
    hex.setAttribute('role', 'group');
    hex.tabIndex = 0;
    tree.addEventListener('click', event => select(rows.indexOf(event.target.closest('li')), true));
    tree.addEventListener('mouseover', event => paint('hov', rows.indexOf(event.target.closest('li'))));
    tree.addEventListener('mouseleave', () => paint('hov', -1));
    hex.addEventListener('click', event => { const at = bytes.indexOf(event.target.closest('.b')); if (at >= 0) move(at); });
    hex.addEventListener('mouseover', event => { const at = bytes.indexOf(event.target.closest('.b')); paint('hov', at < 0 ? -1 : rowOf(at)); });
    hex.addEventListener('mouseleave', () => paint('hov', -1));
    tree.addEventListener('keydown', event => {
      const at = rows.indexOf(event.target.closest('li'));
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, Enter: at, ' ': at }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      select(Math.max(0, Math.min(rows.length - 1, to)), true);
    });
    hex.addEventListener('keydown', event => {
      const to = { ArrowRight: cursor + 1, ArrowLeft: cursor - 1, ArrowDown: cursor + 16, ArrowUp: cursor - 16, Home: 0, End: bytes.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      move(to);
    });
    details.choose = range => select(rows.findIndex(row => row.dataset.r === range), true);
  };

  for (const details of messages) {
    if (details.open) prepare(details);
    details.addEventListener('toggle', () => { if (details.open) prepare(details); });
  }
  const follow = () => {
    const [id, range] = location.hash.slice(1).split('/');
    const details = messages.find(each => each.id === id);
    if (!details) return;
    details.open = true;
    prepare(details);
    if (range) details.choose(range);
    else details.querySelector('summary').focus();
    details.scrollIntoView();
  };
  addEventListener('hashchange', follow);
  follow();
  for (const [id, open] of [['open-all', true], ['close-all', false]]) {
    const button = document.getElementById(id);
    if (!button) continue;
    button.hidden = false;
    button.addEventListener('click', () => { for (const details of messages) details.open = open; });
  }
  addEventListener('beforeprint', () => { for (const details of messages) details.open = true; });
})();
