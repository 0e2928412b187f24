'use strict';
(() => {
  const TEXTS = JSON.parse(document.getElementById('texts').textContent);
  const $ = (id) => document.getElementById(id);
  const main = document.querySelector('main');
  const still = matchMedia('(prefers-reduced-motion: reduce)');

  // What the page knows. Everything that is shown follows from it, in render.
  let lang = document.documentElement.lang === 'en' ? 'en' : 'id';
  try { lang = TEXTS[localStorage.getItem('sesi-language')] ? localStorage.getItem('sesi-language') : lang; } catch { /* no storage */ }
  let T = TEXTS[lang];
  let link = 'opening';      // opening, open or lost: the event stream
  let snap = null;           // the newest snapshot
  let code = null;           // the live code, and when it began and ends by this clock
  let method = '';           // qr or phone, once a person or the bot's configuration chose
  let asked = '';            // the number a pairing code was asked for
  let hadPairing = false;
  let renumber = false;      // a person wants another number, though a pairing code lives
  let asleep = false;        // nobody touched the page for long: it stops asking for codes
  let busy = '';             // the action in progress
  let problem = '', numberError = '';
  let skew = 0;              // the bot's clock minus this one
  let passkey = null;        // what a linking with a passkey waits for
  let answerError = '';
  let lineCopied = false;
  let activity = null;       // what came of messages, while the bot is connected
  let silent = false;        // the bot's messages are off

  const now = () => Date.now() + skew;
  const moment = (at) => (at ? Date.parse(at) : 0);

  // How each reason looks: tone, icon, whether the bot is busy with it, and what a person can do.
  const LOOKS = {
    NotLinked: ['plain', 'qr', true], Starting: ['ok', 'link', true],
    QRAvailable: ['ok', 'qr', true], QRTimeout: ['plain', 'qr', true], QRIdle: ['plain', 'pause', false, 'code'],
    PasskeyRequired: ['ok', 'key', true], PasskeyConfirmation: ['ok', 'phone', true], PasskeyFailed: ['warn', 'alert', true],
    Paired: ['ok', 'phone', true], PairError: ['warn', 'alert', true], MultideviceNotEnabled: ['warn', 'alert', true],
    LoggedIn: ['ok', 'check', false], KeepAliveTimeout: ['warn', 'plug', true, 'reconnect'],
    ConnectionLost: ['warn', 'plug', true, 'reconnect'], StreamReplaced: ['warn', 'swap', false, 'takeover'],
    LoggedOut: ['warn', 'unlink', true], PrimaryDeviceGone: ['bad', 'phone', false, 'code'],
    AccountBanned: ['bad', 'ban', false, 'code'], TemporaryBan: ['warn', 'clock', false, 'restart'],
    ClientOutdated: ['warn', 'up', false, 'restart'], ConnectFailure: ['bad', 'alert', false, 'restart'], StoreUnwritable: ['bad', 'alert', false, 'restart'],
    ClearedByUser: ['plain', 'unlink', true], StoppedByUser: ['plain', 'pause', false, 'reconnect'],
  };

  // decide says what to show, from what is known alone.
  function decide() {
    if (link === 'lost') return { view: 'lost', tone: 'bad', icon: 'plug', busy: true, words: T.link.lost };
    if (!snap) return { view: 'wait', tone: 'plain', icon: 'link', busy: true, words: T.link.opening };
    if (snap.connected) return { view: 'ok', tone: 'ok', icon: 'check', words: T.reasons.LoggedIn };
    if (passkey && passkey.step === 'sign') {
      if (handheld()) return { view: 'alert', tone: 'ok', icon: 'key', words: T.passkey.computer, action: 'address' };
      return { view: 'passkey', tone: 'ok', icon: 'key', words: T.reasons.PasskeyRequired };
    }
    if (passkey && passkey.step === 'compare') return { view: 'compare', tone: 'ok', words: T.passkey.compare, actions: ['same', 'different'] };
    const words = (!snap.exists && T.unlinked[snap.reason]) || T.reasons[snap.reason] || T.states[snap.state] || [snap.state, snap.message];
    const linking = snap.state === 'Pairing' && snap.reason !== 'QRIdle';
    if (linking && asleep) return { view: 'idle', tone: 'plain', icon: 'pause', words: T.link.asleep, action: 'code' };
    if (linking && code) {
      const title = T.reasons.QRAvailable[0];
      if (method === 'phone' && code.pairingCode && !renumber) return { view: 'code', tone: 'ok', words: [title, T.phoneEnter], linking: 'phone', action: 'number' };
      if (method === 'phone') return { view: 'phone', tone: 'ok', icon: 'phone', words: [title, T.phoneIntro], linking: 'phone' };
      return { view: 'qr', tone: 'ok', words: T.reasons.QRAvailable, linking: 'qr' };
    }
    const [tone, icon, working, action] = LOOKS[snap.reason] || ['warn', 'alert', false, 'restart'];
    if (snap.reason === 'StreamReplaced' && (snap.retryAt || snap.userAction === 'None')) return { view: 'wait', tone, icon, busy: true, words: T.takeover };
    return { view: working ? 'wait' : action === 'code' ? 'idle' : 'alert', tone, icon, busy: working, words, action };
  }

  let shown = '';
  function render() {
    const look = decide();
    document.documentElement.lang = lang;
    document.title = `${look.words[0]} · Sesi`;
    main.dataset.view = look.view;
    main.dataset.tone = look.tone;
    main.toggleAttribute('data-busy', Boolean(look.busy));
    if (look.linking) main.dataset.linking = look.linking; else delete main.dataset.linking;
    write($('client'), snap ? snap.clientId : '…');
    write($('title'), look.words[0]);
    write($('body'), look.words[1]);
    $('qr').setAttribute('aria-label', T.qrLabel);
    if (look.icon) $('icon').setAttribute('href', `#i-${look.icon}`);
    write($('privacy'), look.view === 'qr' ? T.privacy : '');
    renderNotes(look);
    renderLinking(look);
    renderPasskey(look);
    renderAccount();
    renderActivity();
    renderActions(look);
    renderFacts();
    for (const b of document.querySelectorAll('[data-lang]')) b.setAttribute('aria-pressed', String(b.dataset.lang === lang));
    document.querySelector('.languages').setAttribute('aria-label', T.language);
    write($('problem'), problem);
    tick();
    announce(look);
  }

  // announce tells a screen reader of a change that matters, once; a code that follows another is none.
  function announce(look) {
    const said = `${look.words[0]}. ${look.words[1]}`;
    if (said === shown) return;
    if (shown) write($('say'), said);
    shown = said;
  }

  function write(el, text) {
    if (el.textContent !== text) el.textContent = text;
  }

  // rich writes a text with <b> in it, and nothing else.
  function rich(el, text) {
    el.replaceChildren(...text.split(/<\/?b>/).map((part, i) => {
      if (i % 2 === 0) return document.createTextNode(part);
      const bold = document.createElement('b');
      bold.textContent = part;
      return bold;
    }));
  }

  function renderNotes(look) {
    const notes = [];
    if (snap && link === 'open') {
      if (T.notices[snap.notice]) notes.push(T.notices[snap.notice]);
      if (look.linking && snap.expired) notes.push(T.expiredNote);
      if (look.linking && T.reasons[snap.reason] && snap.reason !== 'QRAvailable') notes.push(T.reasons[snap.reason][1]);
      if (passkey && passkey.step === 'wait' && passkey.code) notes.push(T.passkey.shows.replace('{code}', passkey.code));
      if (snap.restrictedUntil && snap.state === 'Restricted') notes.push(T.until.replace('{time}', date(snap.restrictedUntil)));
    }
    fill($('notes'), notes, (text) => element('p', { className: 'note', textContent: text }));
  }

  function renderLinking(look) {
    write($('methods'), T.methods);
    write($('by-qr'), T.byQR);
    write($('by-phone'), T.byPhone);
    const steps = look.view === 'qr' ? T.scanSteps : look.view === 'code' ? T.phoneSteps : [];
    fill($('steps'), steps, (text) => { const li = element('li', {}); const span = element('span', {}); rich(span, text); li.append(span); return li; });
    write($('number-label'), T.phoneLabel);
    write($('number-hint'), T.phoneHint);
    write($('ask'), busy === 'pair' ? T.working : T.phoneAsk);
    $('ask').setAttribute('aria-disabled', String(busy === 'pair'));
    write($('number-error'), numberError);
    $('number').setAttribute('aria-invalid', String(Boolean(numberError)));
    const pairingCode = look.view === 'code' ? code.pairingCode : look.view === 'compare' ? passkey.code : '';
    if ($('pairing').dataset.code !== pairingCode) {
      $('pairing').dataset.code = pairingCode;
      fill($('pairing'), [...pairingCode.replace(/[^A-Za-z0-9]/g, '')], (c) => element('span', { textContent: c }), true);
    }
    if (pairingCode) $('pairing').setAttribute('aria-label', T.phoneCode.replace('{code}', [...pairingCode].join(' ')));
  }

  // handheld tells a phone or tablet, whose browsers have neither extensions nor a console.
  function handheld() {
    return navigator.userAgentData ? navigator.userAgentData.mobile
      : /Android|iPhone|iPad/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
  }

  function renderPasskey(look) {
    if (look.view !== 'passkey') return;
    steps($('passkey-steps'), T.passkey.steps);
    steps($('console-steps'), T.passkey.consoleSteps);
    write($('sign'), T.passkey.sign);
    write($('console-title'), T.passkey.console);
    write($('copy-line'), lineCopied ? T.actions.copied : T.passkey.copyLine);
    write($('answer-label'), T.passkey.answer);
    write($('send'), busy === 'answer' ? T.working : T.passkey.send);
    $('send').setAttribute('aria-disabled', String(busy === 'answer'));
    write($('answer-error'), answerError);
    $('answer-text').setAttribute('aria-invalid', String(Boolean(answerError)));
  }

  // steps writes a list whose texts have <b> in them, and {link} where the extension is.
  function steps(el, texts) {
    fill(el, texts, (text) => {
      const li = element('li', {}), span = element('span', {});
      const [before, after] = text.split('{link}');
      rich(span, before);
      if (after !== undefined) {
        span.append(element('a', { href: 'passkey-extension.zip', textContent: T.passkey.extension, download: 'sesi-passkey.zip' }));
        const rest = element('span', {});
        rich(rest, after);
        span.append(rest);
      }
      li.append(span);
      return li;
    });
  }

  function renderAccount() {
    if (!snap || !snap.exists) return;
    const name = snap.pushName || '';
    write($('name'), name);
    write($('number-shown'), phoneOf(snap.jid));
    write($('face'), ([...name.trim()][0] || '✓').toUpperCase());
  }

  // renderActivity shows counters and the last error, never what a message says or whom it is from.
  function renderActivity() {
    const n = (count) => new Intl.NumberFormat(lang).format(count);
    const rows = !activity ? [] : [
      [T.activity.received, n(activity.received)], [T.activity.sent, n(activity.sent)],
      [T.activity.failed, activity.failed && n(activity.failed)], [T.activity.waiting, activity.waiting && n(activity.waiting)],
      [T.activity.backlog, activity.backlog && n(activity.backlog)], [T.activity.dead, activity.deadLetters && n(activity.deadLetters)],
      [T.activity.error, activity.lastError && `${activity.lastError} (${date(activity.lastErrorAt)})`],
    ].filter(([, value]) => value);
    fill($('activity'), rows.flat(), (text, i) => element(i % 2 ? 'dd' : 'dt', { textContent: text }));
  }

  function renderActions(look) {
    const wanted = look.actions || (look.action ? [look.action] : []);
    if (look.view === 'code' && navigator.clipboard) wanted.unshift('copy');
    fill($('actions'), wanted, (action) => {
      const b = element('button', { type: 'button' });
      b.dataset.action = action;
      return b;
    });
    for (const b of $('actions').children) {
      const action = b.dataset.action, working = busy === action;
      b.className = action === 'number' || action === 'different' || (snap && snap.state === 'Restricted') ? 'second' : 'primary';
      write(b, (action === 'copy' || action === 'address') && busy === 'copied' ? T.actions.copied : working ? T.working : T.actions[action]);
      b.setAttribute('aria-disabled', String(working));
    }
  }

  function renderFacts() {
    $('details').hidden = !snap;
    if (!snap) return;
    write($('details-title'), T.details);
    const facts = [
      [T.clientId, snap.clientId], [T.state, `${snap.state} / ${snap.reason}`], [T.log, snap.message],
      [T.account, phoneOf(snap.jid)], [T.linked, date(snap.linkedAt)], [T.since, snap.connected ? date(snap.connectedAt) : ''],
      [T.path, snap.path], [T.backup, snap.exists ? date(snap.backupAt) || T.never : ''], [T.version, snap.webVersion],
    ].filter(([, value]) => value);
    fill($('facts'), facts.flat(), (text, i) => element(i % 2 ? 'dd' : 'dt', { textContent: text }));
  }

  // fill makes an element's children what a list says, and leaves them alone when they are that already.
  function fill(el, list, make, always) {
    const key = JSON.stringify(list);
    if (!always && el.dataset.list === key) return;
    el.dataset.list = key;
    const focused = el.contains(document.activeElement);
    el.replaceChildren(...list.map(make));
    if (focused) (el.querySelector('button') || $('title')).focus();
  }

  function element(tag, props) { return Object.assign(document.createElement(tag), props); }

  function date(at) {
    if (!at) return '';
    return new Intl.DateTimeFormat(lang, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(at));
  }

  function duration(ms) {
    const s = Math.max(0, Math.ceil(ms / 1000));
    const [n, unit] = s < 100 ? [s, 'second'] : s < 5400 ? [Math.round(s / 60), 'minute'] : [Math.round(s / 3600), 'hour'];
    return new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long' }).format(n);
  }

  function phoneOf(jid) {
    const digits = (jid || '').split(/[.:@]/)[0];
    if (!/^\d{7,15}$/.test(digits)) return digits;
    return digits.startsWith('62') ? `+62 ${digits.slice(2).replace(/^(\d{3})(\d{4})(\d+)$/, '$1-$2-$3')}` : `+${digits}`;
  }

  // tick shows what changes by time alone.
  function tick() {
    const look = decide();
    let text = '';
    if (look.linking && code) {
      const left = code.ends - now();
      const plate = document.querySelector('.plate');
      plate.classList.toggle('ending', left < 6000);
      plate.classList.toggle('ended', left <= 0);
      if (look.view === 'qr') {
        text = left > 0 ? T.codeLives.replace('{in}', duration(left)) : T.codeEnded;
      }
      if (still.matches) $('ring').style.strokeDashoffset = String(1 - Math.max(0, left) / code.life);
    } else if (passkey && passkey.step !== 'wait' && link === 'open') {
      text = T.passkey.left.replace('{in}', duration(moment(passkey.expiresAt) - now()));
    } else if (snap && link === 'open' && !snap.connected && moment(snap.retryAt) > now()) {
      text = T.retryIn.replace('{in}', duration(moment(snap.retryAt) - now()));
    }
    write($('count'), text);
  }

  // call asks the bot for something; a problem becomes an Error with its words.
  async function call(method, path, body) {
    const headers = { Accept: 'application/json', 'Accept-Language': lang, 'X-Sesi-Page': '1' };
    if (body) headers['Content-Type'] = 'application/json';
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: 'no-store', signal: AbortSignal.timeout(45000) });
    const at = Date.parse(answer.headers.get('Date'));
    if (at && Math.abs(at - Date.now() - skew) > 1500) skew = at + 500 - Date.now();
    if (answer.status === 401) { location.reload(); }
    const value = await answer.json().catch(() => null);
    if (!answer.ok) throw Object.assign(new Error((value && value.detail) || answer.statusText), { status: answer.status });
    return value;
  }

  // fetchCode gets the live code. One request at a time: what changes meanwhile asks once more.
  let fetching = false, again = false;
  async function fetchCode() {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      do {
        again = false;
        try {
          showCode(await call('GET', 'api/session/qr?svg'));
        } catch (e) {
          if (e.status !== 409) throw e;
        }
      } while (again);
      problem = '';
    } catch (e) {
      if (e.status) problem = T.failed.replace('{why}', e.message);
    } finally {
      fetching = false;
    }
    render();
  }

  // fetchPasskey gets what a linking with a passkey waits for.
  async function fetchPasskey() {
    const revision = snap.revision;
    try {
      const info = await call('GET', 'api/session/passkey');
      if (snap.revision > revision && info.revision < snap.revision) return; // the newer snapshot asks itself
      passkey = info;
    } catch (e) {
      if (snap.revision === revision) passkey = null;
      if (e.status && e.status !== 409) problem = T.failed.replace('{why}', e.message);
    }
    render();
  }

  // fetchActivity gets what came of messages; a bot whose messages are off has nothing to show.
  async function fetchActivity() {
    if (!snap || !snap.connected || document.hidden || silent) return;
    try {
      activity = await call('GET', 'api/account/activity');
    } catch (e) {
      activity = null;
      silent = e.status === 409;
    }
    render();
  }
  setInterval(fetchActivity, 5000);

  // signOnWhatsApp opens WhatsApp's page, where the extension has the passkey sign. The challenge stands behind the #,
  // which no server gets.
  function signOnWhatsApp() {
    const asked = JSON.stringify({ options: passkey.options, back: location.href.split('#')[0] });
    openTab(`https://web.whatsapp.com/#sesi-passkey=${base64url(asked)}`);
  }
  function openTab(url) { window.open(url, '_blank', 'noopener'); }
  function base64url(text) {
    return btoa(Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join('')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  }

  // takeAnswer sends a signature that the extension left behind the # of this page's address.
  function takeAnswer() {
    const answer = /^#passkey=([\w-]+)$/.exec(location.hash);
    if (!answer) return;
    history.replaceState(null, '', location.pathname + location.search);
    let text = '';
    try { text = new TextDecoder().decode(Uint8Array.from(atob(answer[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))); } catch { /* said by answer */ }
    sendAnswer(text, (why) => { problem = why; });
  }

  async function sendAnswer(text, failed) {
    if (busy) return;
    let signature = null;
    try { signature = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)); } catch { /* said below */ }
    if (!signature) { failed(T.passkey.unreadable); return render(); }
    busy = 'answer';
    problem = answerError = '';
    render();
    try {
      await call('POST', 'api/session/passkey', signature);
      $('answer-text').value = '';
    } catch (e) {
      failed(T.failed.replace('{why}', e.message));
    }
    busy = '';
    render();
  }

  function showCode(live) {
    const fresh = !code || code.code !== live.code;
    const ends = moment(live.expiresAt);
    const began = snap && moment(snap.qrExpiresAt) === ends ? moment(snap.changedAt) : now();
    if (fresh) {
      const svg = new DOMParser().parseFromString(live.svg, 'image/svg+xml').documentElement;
      svg.setAttribute('aria-hidden', 'true');
      $('qr').replaceChildren(svg);
      code = { code: live.code, ends, life: Math.min(60000, Math.max(1000, ends - Math.min(began, now()))) };
    }
    code.pairingCode = live.pairingCode || '';
    if (!method) choose(code.pairingCode ? 'phone' : 'qr');
    if (hadPairing && !code.pairingCode && asked) numberError = T.phoneEnded;
    hadPairing = Boolean(code.pairingCode);
    if (fresh) {
      render();
      fit();
      turnRing();
      const plate = document.querySelector('.plate');
      plate.classList.remove('fresh');
      void plate.offsetWidth;
      plate.classList.add('fresh');
    }
  }

  function choose(how) {
    method = how;
    document.querySelector(`[name=method][value=${how}]`).checked = true;
  }

  // fit gives every module a whole number of the screen's pixels: sharp edges, and easy to read.
  function fit() {
    const svg = $('qr').firstElementChild;
    const room = document.querySelector('.plate').clientWidth;
    if (!svg || !room) return;
    const modules = svg.viewBox.baseVal.width, dpr = devicePixelRatio || 1;
    const side = Math.max(1, Math.floor(room * dpr / modules)) * modules / dpr;
    $('qr').style.width = $('qr').style.height = `${side}px`;
  }

  let turning = null;
  function turnRing() {
    if (turning) turning.cancel();
    turning = null;
    const left = Math.max(0, code.ends - now());
    if (still.matches || !left) return;
    turning = $('ring').animate([{ strokeDashoffset: 1 - left / code.life }, { strokeDashoffset: 1 }], { duration: left, fill: 'forwards' });
  }

  function took(next) {
    snap = next;
    link = 'open';
    const live = snap.state === 'Pairing' && snap.qrExpiresAt;
    if (!live && !(snap.state === 'Pairing' && snap.reason === 'QRTimeout')) { code = null; hadPairing = renumber = false; asked = numberError = ''; }
    if (live && !asleep) fetchCode();
    if (snap.reason === 'PasskeyRequired' || snap.reason === 'PasskeyConfirmation') fetchPasskey();
    else { passkey = null; answerError = ''; }
    if (snap.connected) problem = '';
    if (snap.connected && !activity) fetchActivity();
    if (!snap.connected) activity = null;
    if (busy && busy !== 'pair' && busy !== 'answer') busy = '';
    render();
  }

  // The event stream. A stream that breaks is opened again, ever less often, up to every 8 s; a page that is
  // hidden for a minute closes its stream.
  let stream = null, retry = 0, retryTimer = 0, lostTimer = 0;
  function open() {
    clearTimeout(retryTimer);
    if (stream) stream.close();
    stream = new EventSource('api/session/events');
    stream.onmessage = (e) => { retry = 0; clearTimeout(lostTimer); lostTimer = 0; took(JSON.parse(e.data)); };
    stream.onerror = broke;
  }
  function broke() {
    if (stream) stream.close();
    stream = null;
    retryTimer = setTimeout(open, Math.min(8000, 500 * 2 ** retry++));
    if (!lostTimer) lostTimer = setTimeout(() => { link = 'lost'; code = null; hadPairing = false; render(); }, 1200);
    if (retry === 2) fetch('api/session/status', { cache: 'no-store' }).then((r) => r.status === 401 && location.reload(), () => {});
  }
  // A machine that vanished breaks no connection: ask now and then.
  setInterval(() => {
    if (stream && !document.hidden) fetch('api/session/status', { cache: 'no-store', signal: AbortSignal.timeout(8000) }).then((r) => r.ok || broke(), broke);
  }, 25000);

  let hiddenTimer = 0, sleepTimer = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => { clearTimeout(retryTimer); if (stream) stream.close(); stream = null; }, 60000);
    } else if (!stream) {
      retry = 0;
      open();
    }
  });
  function touched() {
    clearTimeout(sleepTimer);
    sleepTimer = setTimeout(() => { asleep = true; code = null; render(); }, 15 * 60000);
  }
  for (const kind of ['pointerdown', 'keydown', 'visibilitychange']) document.addEventListener(kind, touched, { passive: true });

  // act does what a button says.
  async function act(action) {
    if (busy) return;
    if (action === 'copy') {
      await navigator.clipboard.writeText(code.pairingCode);
      busy = 'copied';
      setTimeout(() => { if (busy === 'copied') { busy = ''; render(); } }, 2000);
      return render();
    }
    if (action === 'address') {
      await navigator.clipboard.writeText(location.href.split('#')[0]);
      busy = 'copied';
      setTimeout(() => { if (busy === 'copied') { busy = ''; render(); } }, 2000);
      return render();
    }
    if (action === 'number') {
      renumber = true;
      render();
      return $('number').focus();
    }
    busy = action;
    problem = '';
    asleep = false;
    touched();
    render();
    try {
      if (action === 'code') {
        await fetchCode();
        setTimeout(() => { if (busy === 'code') { busy = ''; render(); } }, 5000);
        if (code) busy = '';
      } else {
        await call('POST', action === 'same' ? 'api/session/passkey/confirm' : 'api/session/restart');
        busy = '';
      }
    } catch (e) {
      busy = '';
      problem = T.failed.replace('{why}', e.message);
    }
    render();
  }
  $('actions').addEventListener('click', (e) => { const b = e.target.closest('[data-action]'); if (b) act(b.dataset.action); });

  $('phone').addEventListener('submit', async (e) => {
    e.preventDefault();
    if (busy) return;
    const number = $('number').value.trim(), digits = number.replace(/\D/g, '');
    numberError = /^0(?!0)/.test(digits) ? T.phoneNational : digits.length < 7 || digits.length > 17 ? T.phoneBad : '';
    if (numberError) { render(); $('number').focus(); return; }
    busy = 'pair';
    asked = number;
    render();
    try {
      const pairing = await call('POST', 'api/session/pair', { phoneNumber: number });
      if (code) code.pairingCode = pairing.pairingCode;
      hadPairing = true;
      renumber = false;
      busy = '';
      render();
      $('say').textContent = $('pairing').getAttribute('aria-label');
    } catch (err) {
      busy = '';
      numberError = err.status === 422 ? T.phoneBad : T.failed.replace('{why}', err.message);
      render();
    }
  });
  $('sign').addEventListener('click', () => { if (passkey) signOnWhatsApp(); });
  $('copy-line').addEventListener('click', async () => {
    if (!passkey) return;
    await navigator.clipboard.writeText(passkey.console);
    lineCopied = true;
    setTimeout(() => { lineCopied = false; render(); }, 2000);
    render();
  });
  $('answer').addEventListener('submit', (e) => {
    e.preventDefault();
    sendAnswer($('answer-text').value, (why) => { answerError = why; });
  });
  addEventListener('hashchange', takeAnswer);
  for (const radio of document.querySelectorAll('[name=method]')) {
    radio.addEventListener('change', () => { choose(radio.value); numberError = ''; render(); if (method === 'qr') fit(); });
  }
  for (const b of document.querySelectorAll('[data-lang]')) {
    b.addEventListener('click', () => {
      lang = b.dataset.lang;
      T = TEXTS[lang];
      numberError = problem = answerError = '';
      shown = '';
      try { localStorage.setItem('sesi-language', lang); } catch { /* no storage */ }
      render();
    });
  }
  addEventListener('resize', fit);
  setInterval(tick, 500);

  touched();
  render();
  open();
  takeAnswer();
})();
