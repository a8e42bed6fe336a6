// Times in the reader's zone, and states that keep themselves up to date while one is still open.
// The page is whole without it. Whatever comes from the server goes in as text, never as markup.
'use strict';
(() => {
  const FIRST_MS = 2000, LONGEST_MS = 15000, LONGEST_AFTER_ERROR_MS = 60000;
  const SPANS = [['second', 60], ['minute', 60], ['hour', 24], ['day', 30.4375], ['month', 12], ['year', 1e9]];
  const DAY = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
  const brief = new Intl.DateTimeFormat('en-GB', DAY);
  const full = new Intl.DateTimeFormat('en-GB', { ...DAY, year: 'numeric', timeZoneName: 'short' });
  const ages = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

  function age(date) {
    let span = (date - Date.now()) / 1000;
    if (Math.abs(span) < 45) return 'just now';
    for (const [unit, size] of SPANS) {
      if (Math.abs(span) < size * 0.75 || size === 1e9) return ages.format(Math.round(span), unit);
      span /= size;
    }
  }

  function showTimes() {
    for (const time of document.querySelectorAll('time[datetime]:not([datetime=""])')) {
      const date = new Date(time.dateTime);
      const isBrief = 'brief' in time.dataset && date.getFullYear() === new Date().getFullYear();
      const text = `${(isBrief ? brief : full).format(date)} (${age(date)})`;
      if (time.textContent !== text) time.textContent = text;
    }
    for (const line of document.querySelectorAll('[data-local]')) line.hidden = false;
  }

  const part = (element, name) => element.querySelector(`[data-part="${name}"]`);
  const points = (number) => String(Math.round(number * 100) / 100);
  const percent = (score, possible) => `${possible > 0 ? Math.min(Math.max(score / possible, 0), 1) * 100 : 0}%`;

  function put(element, name, text) {
    const place = part(element, name);
    if (place && place.textContent !== text) place.textContent = text;
  }

  function fill(element, told) {
    const look = told.verdict === null ? told.state : told.verdict === 'graded' ? 'graded' : 'no_score';
    if (element.dataset.look !== look) element.dataset.look = look;
    put(element, 'label', told.label);
    put(element, 'message', told.message);
    const score = part(element, 'score');
    score.hidden = told.score === null;
    if (told.score !== null) {
      put(element, 'points', points(told.score));
      put(element, 'possible', points(told.points_possible));
      part(element, 'gauge')?.setAttribute('width', percent(told.score, told.points_possible));
    }
  }

  // What is news when it changes; the minutes that somebody still has to wait are none.
  const gist = (element) => ['label', 'points', 'possible'].map((name) => part(element, name).textContent).join(' ');

  function fillPoints(row, earned) {
    row.querySelector('rect').setAttribute('width', percent(earned.score, earned.points_possible));
    row.querySelector('.points').textContent = `${points(earned.score)} of ${points(earned.points_possible)}`;
  }

  function fillQuestions(element, told) {
    const rows = told.questions || [], hidden = told.hidden_questions;
    part(element, 'questions').hidden = !rows.length && !hidden;
    part(element, 'rows').replaceChildren(...rows.map((question) => {
      const row = document.getElementById('question').content.cloneNode(true);
      row.querySelector('bdi').textContent = question.question;
      fillPoints(row, question);
      return row;
    }));
    const foot = part(element, 'hidden');
    foot.hidden = !hidden;
    if (hidden) fillPoints(foot, hidden);
    const text = part(element, 'student_text');
    text.textContent = told.student_text;
    text.hidden = told.score === null || !told.student_text;
    put(element, 'grade_text', told.grade_text);
    part(element, 'grade_text').hidden = !told.grade_text;
  }

  function newRow(told) {
    const row = document.getElementById('row').content.cloneNode(true).querySelector('li');
    row.dataset.id = told.id;
    row.querySelector('a').href = told.status_url;
    for (const name of ['assignment', 'course', 'section', 'short_id']) put(row, name, told[name]);
    put(row, 'attempt', told.attempt === null ? 'new' : `attempt ${told.attempt}`);
    row.querySelector('time').dateTime = told.received_at;
    return row;
  }

  showTimes();
  setInterval(showTimes, 15000);
  const root = document.querySelector('[data-poll]');
  if (!root) return;

  document.querySelector('[data-reload]')?.remove();
  const news = document.getElementById('news');
  const headers = { Accept: 'application/json' };
  if (document.body.dataset.token) headers['X-XSRFToken'] = document.body.dataset.token;
  let isOpen = root.dataset.open === '1', isOver = false, isBusy = false, timer = 0, wait_ms = FIRST_MS;

  function tell(elements, told) {
    const changed = [];
    for (const one of told) {
      let element = elements.find((known) => known.dataset.id === one.id);
      if (!element) {
        if (root.dataset.first !== '1') continue;
        element = newRow(one);
        const next = [...root.children].find((known) => known.dataset.id < one.id);
        root.insertBefore(element, next || null);
        document.getElementById('empty').hidden = true;
      }
      const before = gist(element);
      fill(element, one);
      if (before !== gist(element)) changed.push(`${one.assignment}: ${one.message}`);
    }
    isOpen = told.some((one) => one.is_open);
    if (changed.length) news.textContent = changed.join(' ');
    return changed.length > 0;
  }

  function tellOne(told) {
    const hasChanged = tell([root], [told]);
    if (hasChanged) {
      fillQuestions(root, told);
      document.title = `${told.label}: ${told.assignment} · Gofer`;
    }
    return hasChanged;
  }

  function plan(in_ms) {
    clearTimeout(timer);
    // A course that came all at once is not to come back all at once.
    if (isOpen && !isOver && !document.hidden) timer = setTimeout(look, in_ms * (0.85 + 0.3 * Math.random()));
  }

  async function look() {
    if (isBusy || isOver || document.hidden) return;
    isBusy = true;
    try {
      const answer = await fetch(root.dataset.poll, { headers, credentials: 'same-origin' });
      if ([401, 403, 404].includes(answer.status)) {
        isOver = true;
        news.className = 'notice';
        news.textContent = 'This page no longer keeps itself up to date. Reload it to go on.';
        return;
      }
      if (!answer.ok) throw new Error(`${answer.status}`);
      const told = await answer.json();
      const hasChanged = told.submissions ? tell([...root.children], told.submissions) : tellOne(told);
      showTimes();
      wait_ms = hasChanged ? FIRST_MS : Math.min(wait_ms * 1.4, LONGEST_MS);
    } catch {
      wait_ms = Math.min(wait_ms * 2, LONGEST_AFTER_ERROR_MS);
    } finally {
      isBusy = false;
      plan(wait_ms);
    }
  }

  function comeBack() {
    if (document.hidden) return clearTimeout(timer);
    wait_ms = FIRST_MS;
    look();
  }
  document.addEventListener('visibilitychange', comeBack);
  addEventListener('pageshow', (event) => { if (event.persisted) comeBack(); });
  plan(wait_ms);
})();
