'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { Client, MessageMedia } = require('..');
const { Heard, ready } = require('./listen');
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
    // whatsmeow keeps the name beside the message, not before it.
    const contact = await until('the name', async () => {
        const found = await client.getContactById(budiId);
        return found.pushname && found;
    });
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

test('a person has another number', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'contact_changed');
    const [siti, sitiNow] = ['628111000002', '628111000003'];
    await stage.say(siti, 'halo');
    const { gid } = await client.createGroup('Kas RT', [`${siti}@c.us`]);
    await stage.ask('POST', '/number', { phone: siti, to: sitiNow });
    const [ofContact, ...people] = await heard.next('contact_changed', (...args) => args[3]);
    const [inGroup, ...same] = await heard.next('contact_changed', (...args) => !args[3]);
    assert.deepEqual([people, same], [true, false].map((isContact) => [`${siti}@c.us`, `${sitiNow}@c.us`, isContact]));
    assert.deepEqual([ofContact.type, ofContact.to, ofContact.from], ['notification_template', `${sitiNow}@c.us`, `${sitiNow}@c.us`]);
    assert.deepEqual([inGroup.type, inGroup.from, inGroup.author], ['gp2', gid._serialized, `${siti}@c.us`]);
    assert.ok(Math.abs(ofContact.timestamp * 1000 - Date.now()) < 60_000);
    assert.equal((await ofContact.getContact()).id._serialized, `${sitiNow}@c.us`);
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
    const message = (await chat.fetchMessages({ limit: 1 }))[0];
    await message.star();
    await message.unstar();
    assert.equal(await message.pin(604_800), true);
    assert.equal(await message.unpin(), true);
    for (const none of [60, undefined]) await assert.rejects(message.pin(none), { kind: 'bad-parameter' });
    for (const name of ['Lead', 'Lunas']) await stage.api('POST', '/api/labels', { name, color: 1 });
    assert.deepEqual((await client.getLabels()).map((one) => [one.id, one.name, one.hexColor]), [['1', 'Lead', '#64c4ff'], ['2', 'Lunas', '#64c4ff']]);
    await client.addOrRemoveLabels([1, '2'], [budiId]);
    await chat.changeLabels(['2']);
    assert.deepEqual((await chat.getLabels()).map((one) => one.name), ['Lunas']);
    assert.deepEqual((await client.getChatLabels(budiId)).map((one) => one.id), ['2']);
    const label = await client.getLabelById('2');
    assert.deepEqual((await label.getChats()).map((one) => one.id._serialized), [budiId]);
    assert.deepEqual(await client.getChatsByLabelId('1'), []);
    const heard = new Heard(client, 'chat_archived');
    for (const act of ['archive', 'unarchive', 'markUnread']) assert.equal(await chat[act](), true);
    for (const act of ['archiveChat', 'unarchiveChat', 'markChatUnread']) assert.equal(await client[act](budiId), true);
    for (const archived of [true, false]) {
        await heard.next('chat_archived', (one, is, was) => one.id._serialized === budiId && one.archived === archived && is === archived && was === !archived);
    }
    assert.equal(await chat.delete(), true);
});
