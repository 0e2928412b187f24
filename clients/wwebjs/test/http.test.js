'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { Client } = require('..');

const address = (sesi, path = '/api/messages') => new Client({ sesi })._api.address(path, { chat: '1@s.whatsapp.net', before: undefined }).href;

test('where a bot is: at its own address, or behind a gateway', () => {
    const query = '?chat=1%40s.whatsapp.net';
    assert.equal(address({}), `http://127.0.0.1:3000/api/messages${query}`);
    assert.equal(address({ url: 'https://bots.example/shop/' }), `https://bots.example/shop/api/messages${query}`);
    assert.equal(address({ url: 'https://gw.example', session: 'team/shop' }), `https://gw.example/v1/namespaces/team/sessions/shop/api/messages${query}`);
    for (const session of ['shop', 'a/b/c', '/shop', 'team/']) assert.throws(() => address({ session }), /sesi\.session/);
    assert.throws(() => address({ url: 'ftp://x' }), /sesi\.url/);
});

test('who asks: a token, or a key of the gateway', () => {
    const { headers } = new Client({ sesi: { token: 't', key: 'k' } })._api;
    assert.deepEqual([headers.Authorization, headers['X-Api-Key']], ['Bearer t', 'k']);
});
