'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Client, GroupChat } = require('..');
const { Heard, ready } = require('./listen');
const { Stage, until, shop } = require('./stage');

const budi = '628111000001';
const siti = '628111000002';
const id = (phone) => `${phone}@c.us`;
let stage;

before(async () => {
    stage = await Stage.start();
    await stage.link();
});
after(() => stage.end());

const roles = (group) => Object.fromEntries(group.participants.map((one) => [one.id.user, one.isSuperAdmin ? 'owner' : one.isAdmin ? 'admin' : 'member']));

test('a group of the account: made, changed, left', async (t) => {
    const client = await ready(t, stage, Client);
    const made = await client.createGroup('Kas RT', [id(budi), '9990001@c.us'], { isAnnounce: true });
    assert.equal(made.title, 'Kas RT');
    const codes = Object.fromEntries(Object.entries(made.participants).map(([who, one]) => [who, [one.statusCode, one.isGroupCreator]]));
    assert.deepEqual(codes, { [id(shop)]: [200, true], [id(budi)]: [200, false], '9990001@c.us': [404, false] });

    const group = await client.getChatById(made.gid._serialized);
    assert.ok(group instanceof GroupChat);
    assert.deepEqual([group.isGroup, group.name, group.groupMetadata.announce, group.owner._serialized], [true, 'Kas RT', true, id(shop)]);
    assert.ok(Math.abs(group.createdAt - Date.now()) < 60_000);
    const added = await group.addParticipants([id(siti)]);
    assert.equal(added[id(siti)].code, 200);
    assert.equal((await group.addParticipants(id(siti)))[id(siti)].code, 409);
    assert.deepEqual(await group.promoteParticipants([id(siti)]), { status: 200 });
    assert.deepEqual(roles(await client.getChatById(group.id._serialized)), { [shop]: 'owner', [budi]: 'member', [siti]: 'admin' });
    assert.deepEqual(await group.demoteParticipants([id(siti)]), { status: 200 });
    assert.deepEqual(await group.removeParticipants([id(siti)]), { status: 200 });
    assert.deepEqual(roles(await client.getChatById(group.id._serialized)), { [shop]: 'owner', [budi]: 'member' });

    assert.equal(await group.setSubject('Kas RW'), true);
    assert.equal(await group.setDescription('iuran tiap bulan'), true);
    assert.equal(await group.setMessagesAdminsOnly(false), true);
    assert.equal(await group.setInfoAdminsOnly(), true);
    assert.equal(await group.setAddMembersAdminsOnly(), true);
    const now = await client.getChatById(group.id._serialized);
    for (const one of [group, now]) {
        const { announce, restrict, memberAddMode } = one.groupMetadata;
        assert.deepEqual([one.name, one.description, announce, restrict, memberAddMode], ['Kas RW', 'iuran tiap bulan', false, true, 'admin_add']);
    }
    assert.deepEqual((await client.getCommonGroups(id(budi))).map((one) => one._serialized), [group.id._serialized]);
    assert.equal((await (await client.getContactById(id(budi))).getCommonGroups()).length, 1);

    const code = await group.getInviteCode();
    const fresh = await group.revokeInvite();
    assert.notEqual(fresh, code);
    const info = await client.getInviteInfo(fresh);
    assert.deepEqual([info.id._serialized, info.subject, info.size], [group.id._serialized, 'Kas RW', 2]);
    await group.leave();
    assert.deepEqual(await client.getCommonGroups(id(budi)), []);
});

test('people ask to join, and are let in or not', async (t) => {
    const guest = await ready(t, await stage.another(siti), Client);
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'group_membership_request', 'group_join', 'group_update');
    const made = await client.createGroup('Rapat', [], { membershipApprovalMode: true });
    const group = await client.getChatById(made.gid._serialized);
    const code = await group.getInviteCode();
    assert.equal(await guest.acceptInvite(code), group.id._serialized);
    const [asked] = await heard.next('group_membership_request');
    assert.deepEqual([asked.chatId, asked.author, asked.recipientIds], [group.id._serialized, id(siti), [id(siti)]]);
    assert.deepEqual((await group.getGroupMembershipRequests()).map((one) => one.id._serialized), [id(siti)]);
    assert.deepEqual(await group.rejectGroupMembershipRequests({ requesterIds: [id(siti), id(budi)] }), [
        { requesterId: id(siti), message: 'Rejected successfully' },
        { requesterId: id(budi), error: 404, message: 'ParticipantRequestNotFoundError' },
    ]);
    assert.deepEqual(await client.getGroupMembershipRequests(group.id._serialized), []);
    await guest.acceptInvite(code);
    await until('the request', async () => (await group.getGroupMembershipRequests()).length === 1);
    assert.deepEqual(await group.approveGroupMembershipRequests(), [{ requesterId: id(siti), message: 'Approved successfully' }]);
    await heard.next('group_join', (one) => one.chatId === group.id._serialized && one.recipientIds.includes(id(siti)));
    assert.equal((await guest.getChatById(group.id._serialized)).participants.length, 2);
    assert.deepEqual(await group.approveGroupMembershipRequests(), []);
    await assert.rejects(guest.acceptInvite('TIDAKADA'), { kind: 'bad-invite' });
});

test('messages in a group of others, and its rights', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message');
    const { jid: chatId } = await stage.ask('POST', '/group', { by: budi, subject: 'Arisan', members: [shop, siti] });
    await stage.say(siti, `@${shop} ikut?`, { jid: chatId });
    const [msg] = await heard.next('message');
    assert.deepEqual([msg.from, msg.author, msg.id.participant], [chatId, id(siti), id(siti)]);
    assert.equal((await msg.getContact()).id._serialized, id(siti));
    const reply = await msg.reply('ikut', undefined, { mentions: [id(siti)] });
    assert.deepEqual([reply.to, reply.id.remote, reply.id.participant], [chatId, chatId, id(shop)]);
    await stage.outbox('the reply', (one) => one.id === reply.id.id && one.phone === siti);
    assert.deepEqual((await reply.getMentions()).map((one) => one.number), [siti]);

    const group = await msg.getChat();
    assert.deepEqual([group.name, group.isReadOnly, roles(group)[shop]], ['Arisan', false, 'member']);
    assert.equal(await group.setSubject('Punya saya'), true); // every member may
    await assert.rejects(group.removeParticipants([id(siti)]), { status: 403 });
    assert.deepEqual((await client.getChats()).map((one) => [one.id._serialized, one.isGroup]), [[chatId, true]]);
    assert.equal(await group.sendSeen(), true);
    await stage.ask('POST', '/salt', { phone: shop });
    assert.equal(await until('the phone\'s key', () => group.clearMessages()), true);
    assert.deepEqual(await group.fetchMessages(), []);
});

test('what happens in a group of others is told', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'group_join', 'group_leave', 'group_update', 'group_admin_changed', 'message_create');
    const { jid } = await stage.ask('POST', '/group', { by: budi, subject: 'Ronda', members: [shop, siti] });
    const next = async (name, type, fits = () => true) => (await heard.next(name, (one) => one.chatId === jid && one.type === type && fits(one)))[0];
    const made = await next('group_update', 'create');
    assert.deepEqual([made.body, made.author, made.id.remote], ['Ronda', id(budi), jid]);
    const joko = '628111000003';
    await stage.ask('POST', '/group', { jid, by: budi, add: [joko] });
    const added = await next('group_join', 'add', (one) => one.recipientIds.includes(id(joko)));
    assert.deepEqual([added.author, (await added.getRecipients()).map((one) => one.number)], [id(budi), [joko]]);
    assert.equal((await added.getChat()).name, 'Ronda');
    assert.equal((await added.getContact()).number, budi);
    assert.equal((await added.reply('selamat datang')).to, jid);
    await stage.ask('POST', '/group', { jid, by: budi, promote: [shop] });
    await next('group_admin_changed', 'promote', (one) => one.recipientIds.includes(id(shop)));
    await stage.ask('POST', '/group', { jid, by: budi, demote: [shop] });
    await next('group_admin_changed', 'demote');
    await stage.ask('POST', '/group', { jid, by: budi, remove: [joko] });
    await next('group_leave', 'remove', (one) => one.recipientIds.includes(id(joko)));
    await stage.ask('POST', '/group', { jid, by: siti, remove: [siti] });
    assert.equal((await next('group_leave', 'leave')).author, id(siti));
    await stage.ask('POST', '/group', { jid, by: budi, subject: 'Ronda malam' });
    assert.equal((await next('group_update', 'subject')).body, 'Ronda malam');
    await stage.ask('POST', '/group', { jid, by: budi, announce: true });
    assert.equal((await next('group_update', 'announce')).body, 'on');
    assert.equal(heard.named('message_create').length, 1);
});
