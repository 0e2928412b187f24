'use strict';
// The answer goes back to the page that asked: the tab that opened this one gets it behind the # of its own address.
// That part of an address is never sent to a server, and the page is not loaded again. Nothing is kept here.
chrome.runtime.onMessage.addListener((message, sender, reply) => {
  (async () => {
    const back = new URL(message.back);
    if (!/^https?:$/.test(back.protocol)) throw new Error('not a web page');
    back.hash = `passkey=${message.answer}`;
    const opener = sender.tab.openerTabId;
    if (opener === undefined) {
      await chrome.tabs.update(sender.tab.id, { url: back.href });
      return;
    }
    await chrome.tabs.update(opener, { url: back.href, active: true });
    await chrome.tabs.remove(sender.tab.id);
  })().then(() => reply({}), (e) => reply({ error: String(e.message || e) }));
  return true; // the reply comes later
});
