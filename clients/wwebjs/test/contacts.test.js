'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { Client, MessageMedia } = require('..');
const { ready } = require('./listen');
const { Stage, until, shop } = require('./stage');

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

test('what the account shows of itself, and its chats on all devices', async (t) => {
    const client = await ready(t, stage, Client);
    const jpeg = MessageMedia.fromFilePath(path.join(__dirname, 'fixture', 'grey.jpg'));
    assert.equal(await client.getProfilePicUrl(`${shop}@c.us`), undefined);
    assert.equal(await client.setProfilePicture(jpeg), true);
    assert.match(await client.getProfilePicUrl(`${shop}@c.us`), /^https:/);
    assert.equal(await client.deleteProfilePicture(), true);
    assert.equal(await (await client.getContactById(`${shop}@c.us`)).getProfilePicUrl(), undefined);
    await client.setStatus('buka');
    await stage.ask('POST', '/salt', { phone: shop });
    await until('the phone\'s key', () => client.setDisplayName('Toko'));
    const profile = await stage.api('GET', '/api/account/profile');
    assert.deepEqual([profile.about, profile.name], ['buka', 'Toko']);

    const { gid } = await client.createGroup('Foto', [budiId]);
    const group = await client.getChatById(gid._serialized);
    assert.equal(await group.setPicture(jpeg), true);
    assert.match(await client.getProfilePicUrl(gid._serialized), /^https:/);
    assert.equal(await group.deletePicture(), true);
    await assert.rejects(group.setPicture(new MessageMedia('image/jpeg', 'aXNp')), { kind: 'bad-picture' });

    await client.saveOrEditAddressbookContact(budi, 'Pak', 'Budi');
    assert.equal((await client.getContactById(budiId)).name, 'Pak Budi');
    const chat = await client.getChatById(budiId);
    for (const act of ['archive', 'unarchive', 'markUnread']) assert.equal(await chat[act](), true);
    for (const act of ['archiveChat', 'unarchiveChat', 'markChatUnread']) assert.equal(await client[act](budiId), true);
    assert.equal(await chat.delete(), true);
});
