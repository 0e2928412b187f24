'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Client } = require('..');
const { ready } = require('./listen');
const { Stage, shop } = require('./stage');

const budi = '628111000001';
const budiId = `${budi}@c.us`;
let stage;

before(async () => {
    stage = await Stage.start();
    await stage.link();
});
after(() => stage.end());

test('who people are', async (t) => {
    const client = await ready(t, stage, Client);
    await stage.ask('PUT', '/person', { phone: budi, profile: { about: 'Di warung' } });
    await stage.say(budi, 'halo', { name: 'Budi' });
    const contact = await client.getContactById(budiId);
    assert.deepEqual(
        [contact.number, contact.pushname, contact.isMe, contact.isUser, contact.isGroup, contact.isWAContact, contact.isBusiness, contact.isBlocked],
        [budi, 'Budi', false, true, false, true, false, false],
    );
    assert.equal(await contact.getAbout(), 'Di warung');
    assert.deepEqual((await client.getContacts()).map((one) => [one.id._serialized, one.pushname]), [[budiId, 'Budi']]);
    assert.equal((await client.getContactById(`${shop}@c.us`)).isMe, true);
    assert.equal((await client.getContactById('9990001@c.us')).isWAContact, false);

    assert.equal(await contact.block(), true);
    assert.deepEqual((await client.getBlockedContacts()).map((one) => [one.id._serialized, one.isBlocked]), [[budiId, true]]);
    assert.equal((await client.getContactById(budiId)).isBlocked, true);
    assert.equal(await contact.unblock(), true);
    assert.deepEqual(await client.getBlockedContacts(), []);
    assert.equal((await client.getContactById(budiId)).isBlocked, false);
});
