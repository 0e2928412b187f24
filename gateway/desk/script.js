"use strict";
// What the pages do beyond links and forms: they fetch their live part again when the gateway says that something
// changed, and show the codes of the session that is open. Texts of bots are only ever set as text.
const live = document.querySelector("[data-live]");
const filter = document.getElementById("filter");
const link = document.getElementById("link");
const connection = document.getElementById("connection");

let fetching = false, again = false;
async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const query = filter ? "?" + new URLSearchParams(new FormData(filter)) : "";
    const paged = new URLSearchParams(location.search);
    const answer = await fetch(live.dataset.live + (filter && paged.has("continue") ? location.search : query), {headers: {"X-Sesi-Desk": "1"}});
    if (answer.status === 401) { location.href = "/"; return; }
    if (answer.status === 404) { location.href = "/"; return; }
    if (!answer.ok) return;
    const html = await answer.text();
    const focused = document.activeElement && live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const open = live.querySelector("details") && live.querySelector("details").open;
    const left = live.querySelector(".scroll") ? live.querySelector(".scroll").scrollLeft : 0;
    live.innerHTML = html; // of the gateway's own templates, which escape everything
    if (open && live.querySelector("details")) live.querySelector("details").open = true;
    if (live.querySelector(".scroll")) live.querySelector(".scroll").scrollLeft = left;
    if (focused) { const same = [...live.querySelectorAll("a")].find(a => a.getAttribute("href") === focused); if (same) same.focus({preventScroll: true}); }
  } catch { lost(true); } finally {
    fetching = false;
    if (again) { again = false; refresh(); }
  }
}
function lost(yes) { if (!connection) return; connection.hidden = !yes; connection.textContent = yes ? live.dataset.lost : ""; }

if (live) {
  const stream = new EventSource("/desk/events");
  let begun = false;
  stream.addEventListener("open", () => { lost(false); if (begun) refresh(); begun = true; });
  stream.addEventListener("error", () => lost(true));
  stream.addEventListener("changed", refresh);
  addEventListener("pagehide", () => stream.close());
}
if (filter) {
  let wait;
  filter.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(() => { history.replaceState(null, "", "/?" + new URLSearchParams(new FormData(filter))); refresh(); }, 200); });
  filter.addEventListener("submit", event => { event.preventDefault(); history.replaceState(null, "", "/?" + new URLSearchParams(new FormData(filter))); refresh(); });
}

if (link) {
  const bot = link.dataset.bot, qr = document.getElementById("qr"), wait = document.getElementById("qrWait");
  const passkey = document.getElementById("passkey"), code = document.getElementById("code");
  const byId = id => document.getElementById(id);
  async function ask(method, path, body) {
    const answer = await fetch(bot + path, {method, headers: body === undefined ? {} : {"Content-Type": "application/json"}, body});
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(data.detail || data.title || answer.status);
    return data;
  }
  let shown = "", options = null;
  async function see(snapshot) {
    const needs = snapshot.qrRequired === true;
    const signing = snapshot.userAction === "SignPasskey" || snapshot.reason === "PasskeyRequired" || snapshot.reason === "PasskeyConfirmation";
    link.hidden = !needs || signing;
    passkey.hidden = !signing;
    if (signing) showPasskey();
    if (!needs || signing) { shown = ""; qr.hidden = true; return; }
    const wanted = snapshot.qrExpiresAt || "none:" + snapshot.revision;
    if (wanted === shown) return;
    shown = wanted;
    const picture = new Image();
    picture.onload = () => { qr.src = picture.src; qr.hidden = false; wait.hidden = true; };
    picture.onerror = () => { qr.hidden = true; wait.hidden = false; };
    picture.src = bot + "/session/qr?at=" + encodeURIComponent(wanted);
  }
  async function showPasskey() {
    try {
      const now = await ask("GET", "/session/passkey");
      byId("passkeySign").hidden = now.step !== "sign";
      byId("passkeyCompare").hidden = now.step !== "compare";
      byId("passkeyWait").hidden = now.step !== "wait";
      options = now.options;
      if (now.step === "sign" && byId("console").value !== now.console) byId("console").value = now.console || "";
      byId("compare").textContent = now.code || "";
    } catch (why) { byId("passkeyProblem").textContent = why.message; byId("passkeyProblem").hidden = false; }
  }
  const stream = new EventSource(bot + "/session/events");
  stream.addEventListener("snapshot", event => see(JSON.parse(event.data)));
  stream.onmessage = event => see(JSON.parse(event.data));
  addEventListener("pagehide", () => stream.close());
  byId("pair").addEventListener("submit", async event => {
    event.preventDefault();
    code.className = ""; code.textContent = "…";
    try { code.textContent = (await ask("POST", "/session/pair", JSON.stringify({phoneNumber: byId("phone").value}))).pairingCode; }
    catch (why) { code.className = "failed"; code.textContent = byId("pair").dataset.failed + " " + why.message; }
  });
  byId("copy").addEventListener("click", () => { byId("console").select(); navigator.clipboard && navigator.clipboard.writeText(byId("console").value); });
  async function sendSignature(text) {
    const problem = byId("passkeyProblem"), texts = byId("signed").dataset;
    problem.hidden = true;
    let signature = "";
    try { signature = JSON.stringify(JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1))); }
    catch { problem.textContent = texts.unreadable; problem.hidden = false; return; }
    try { await ask("POST", "/session/passkey", signature); byId("assertion").value = ""; }
    catch (why) { problem.textContent = texts.failed + " " + why.message; problem.hidden = false; }
  }
  byId("signed").addEventListener("submit", event => { event.preventDefault(); sendSignature(byId("assertion").value); });
  // The helper in the browser takes the challenge from behind the #, which no server gets, and brings the answer so back.
  const encoded = text => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  byId("signThere").addEventListener("click", () => {
    const asked = JSON.stringify({options, back: location.href.split("#")[0]});
    window.open("https://web.whatsapp.com/#sesi-passkey=" + encoded(asked), "_blank", "noopener");
  });
  function takeAnswer() {
    const answer = /^#passkey=([\w-]+)$/.exec(location.hash);
    if (!answer) return;
    history.replaceState(null, "", location.pathname);
    let text = "";
    try { text = new TextDecoder().decode(Uint8Array.from(atob(answer[1].replaceAll("-", "+").replaceAll("_", "/")), c => c.charCodeAt(0))); } catch { /* said below */ }
    sendSignature(text);
  }
  addEventListener("hashchange", takeAnswer);
  takeAnswer();
  byId("confirm").addEventListener("click", async () => {
    try { await ask("POST", "/session/passkey/confirm"); }
    catch (why) { byId("passkeyProblem").textContent = why.message; byId("passkeyProblem").hidden = false; }
  });
}
