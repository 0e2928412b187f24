'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Client, NoAuth } = require('..');
const { Heard } = require('./listen');
const { Stage, until, shop } = require('./stage');

let stage;

before(async () => {
    stage = await Stage.start();
});
after(() => stage.end());

test('a client is linked by a pairing code, reconnects, and logs out', async (t) => {
    const options = { authStrategy: new NoAuth(), pairWithPhoneNumber: { phoneNumber: shop }, sesi: { url: stage.url, cursor: stage.file('code.json') } };
    const client = new Client(options);
    t.after(() => client.destroy());
    const heard = new Heard(client, 'code', 'qr', 'ready', 'change_state', 'disconnected', 'authenticated');
    await client.initialize();
    const [code] = await heard.next('code');
    assert.match(code, /^[A-Z0-9]{8}$/);
    await client.cancelPairingCode();
    assert.equal(await client.requestPairingCode(shop), heard.named('code').at(-1)[0]);
    await stage.ask('POST', '/paircode', { phone: shop, code: heard.named('code').at(-1)[0] });
    await heard.next('ready');
    assert.deepEqual([client.info.wid.user, heard.named('qr').length, heard.named('authenticated').length], [shop, 0, 1]);
    assert.match(await client.getWWebVersion(), /^2\.3000\./);

    const before = heard.named('change_state').length;
    await client.resetState();
    await heard.next('change_state', () => heard.named('change_state').slice(before).some(([state]) => state === 'CONNECTED'));
    assert.equal(await client.getState(), 'CONNECTED');
    for (const name of ['Audio', 'Documents', 'Photos', 'Videos']) await client[`setAutoDownload${name}`](false);
    await client.setBackgroundSync(true);

    await client.logout();
    await heard.next('disconnected', (reason) => reason === 'LOGOUT');
});

test('a phone that WhatsApp no longer lets in is an auth_failure', async (t) => {
    await stage.link();
    await stage.ask('POST', '/fault', { kind: 'failure', code: 403, count: 1 });
    await stage.ask('POST', '/kick', { jid: shop, kind: 'drop' });
    await until('the refusal', async () => (await stage.api('GET', '/api/session/status')).state === 'LoggedOut');
    const client = new Client({ sesi: { url: stage.url, cursor: stage.file('failure.json') } });
    t.after(() => client.destroy());
    const heard = new Heard(client, 'auth_failure', 'ready', 'disconnected');
    await client.initialize();
    const [message] = await heard.next('auth_failure');
    assert.match(message, /phone/);
    assert.deepEqual([heard.named('ready'), heard.named('disconnected')], [[], []]);
});
