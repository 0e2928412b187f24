'use strict';
// A page of Sesi opens WhatsApp Web with a challenge behind the #. This script, which lives in WhatsApp's page only,
// asks the person, has the passkey sign, and hands the signature to background.js.
(() => {
  const asked = /^#sesi-passkey=([\w-]+)$/.exec(location.hash);
  if (!asked || window.top !== window) return;
  history.replaceState(null, '', location.pathname); // WhatsApp's own scripts never see it

  const toBase64URL = (text) => btoa(Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join(''))
    .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const fromBase64URL = (text) => new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)));

  let options, back;
  try {
    ({ options, back } = JSON.parse(fromBase64URL(asked[1])));
    back = new URL(back);
    if (!/^https?:$/.test(back.protocol)) return;
  } catch { return; }

  const T = navigator.language.startsWith('id') ? {
    title: 'Tautkan perangkat ke akun WhatsApp ini?',
    body: 'Tanda tangan passkey akan diserahkan ke alamat di bawah. Siapa pun yang menjalankan alamat itu dapat membaca dan mengirim pesan akun ini. Lanjutkan hanya jika Anda sendiri yang membuka halaman itu.',
    sign: 'Tanda tangani dengan passkey', cancel: 'Batal', working: 'Ikuti petunjuk peramban…', done: 'Selesai. Tab ini boleh ditutup.',
    failed: 'Tidak berhasil. Coba lagi, dan pilih passkey akun WhatsApp ini.',
  } : {
    title: 'Link a device to this WhatsApp account?',
    body: 'The passkey’s signature goes to the address below. The person who runs that address can then read and send the messages of this account. Go on only if you opened that page yourself.',
    sign: 'Sign with the passkey', cancel: 'Cancel', working: 'Follow your browser…', done: 'Done. You can close this tab.',
    failed: 'That did not work. Try again, and choose the passkey of this WhatsApp account.',
  };

  const element = (tag, css, text) => {
    const el = document.createElement(tag);
    el.style.cssText = css; // WhatsApp's page allows no style sheet of ours
    if (text) el.textContent = text;
    return el;
  };
  const button = (css, text) => element('button', `all:initial;font:600 16px system-ui,sans-serif;padding:12px 20px;border-radius:12px;cursor:pointer;text-align:center;${css}`, text);
  const host = element('sesi-passkey', 'all:initial;position:fixed;inset:0;z-index:2147483647;display:grid;place-items:center;padding:16px;background:rgb(11 18 16 / .72)');
  const shadow = host.attachShadow({ mode: 'closed' });
  const card = element('div', 'box-sizing:border-box;max-width:440px;padding:28px;border-radius:20px;background:#fff;color:#10201a;font:16px/1.5 system-ui,sans-serif;display:grid;gap:14px');
  card.setAttribute('role', 'dialog');
  card.setAttribute('aria-label', T.title);
  const address = element('code', 'padding:10px 14px;border-radius:10px;background:#eef3ef;font:600 16px ui-monospace,monospace;overflow-wrap:anywhere', back.origin);
  const said = element('div', 'color:#b3261e;font-weight:500');
  said.setAttribute('role', 'alert');
  const sign = button('background:#0a6b4f;color:#fff', T.sign);
  const cancel = button('background:#eef3ef;color:#10201a', T.cancel);
  card.append(element('div', 'font:700 21px/1.25 system-ui,sans-serif', T.title), element('div', 'color:#4d5f57', T.body), address, said, sign, cancel);
  shadow.append(card);

  let working = false;
  sign.addEventListener('click', async () => {
    if (working) return;
    working = true;
    said.textContent = '';
    sign.textContent = T.working;
    try {
      const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      const reply = await chrome.runtime.sendMessage({ back: back.href, answer: toBase64URL(JSON.stringify(credential)) });
      if (reply && reply.error) throw new Error(reply.error);
      sign.remove();
      cancel.remove();
      said.style.color = '#0a6b4f';
      said.textContent = T.done;
    } catch (e) {
      said.textContent = `${T.failed} (${e.name}: ${e.message})`;
      sign.textContent = T.sign;
    }
    working = false;
  });
  let cancelled = false;
  cancel.addEventListener('click', () => { cancelled = true; host.remove(); });
  document.documentElement.append(host);
  // WhatsApp's page may build itself again while it starts.
  const watch = new MutationObserver(() => { if (!cancelled && !host.isConnected) document.documentElement.append(host); });
  watch.observe(document, { childList: true, subtree: true });
  setTimeout(() => watch.disconnect(), 30000);
})();
