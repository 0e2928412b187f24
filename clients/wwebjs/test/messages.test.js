'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Client, LocalAuth, List, Buttons, NotSupported, version } = require('..');
const { Heard, ready } = require('./listen');
const { Stage, until, shop } = require('./stage');

const budi = '628111000001';
const budiId = `${budi}@c.us`;
let stage;

before(async () => {
    stage = await Stage.start();
});
after(() => stage.end());

test('a client is linked by QR code, unlinked by the phone, and linked again', async (t) => {
    const client = new Client({ sesi: { url: stage.url, cursor: stage.file('link.json') }, authStrategy: new LocalAuth() });
    t.after(() => client.destroy());
    const heard = new Heard(client, 'qr', 'authenticated', 'ready', 'change_state', 'disconnected', 'auth_failure');
    await client.initialize();
    await client.initialize(); // a second call changes nothing
    const [qr] = await heard.next('qr');
    assert.equal(await client.getState(), 'UNPAIRED');
    await stage.scan(qr);
    await heard.next('ready');
    assert.deepEqual(heard.named('qr'), [[qr]]);
    assert.equal(heard.named('authenticated').length, 1);
    assert.equal(client.info.wid._serialized, `${shop}@c.us`);
    assert.equal(await client.getState(), 'CONNECTED');
    assert.match(await client.getWWebVersion(), /^2\.3000\./);

    await stage.ask('POST', '/unlink', { jid: shop });
    await heard.next('disconnected', (reason) => reason === 'LOGOUT');
    const [second] = await heard.next('qr', (code) => code !== qr);
    await stage.scan(second);
    await until('ready again', () => heard.named('ready').length === 2);
    assert.equal(heard.named('disconnected').length, 1);
    assert.equal(heard.named('auth_failure').length, 0);
});

test('messages come once, with the shapes that programs read', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message', 'message_create');
    const { id } = await stage.say(budi, 'halo https://sesi.dev/x', { name: 'Budi' });
    const [msg] = await heard.next('message');
    assert.deepEqual(
        [msg.body, msg.from, msg.to, msg.author, msg.type, msg.fromMe, msg.hasMedia, msg.hasQuotedMsg, msg.isStatus, msg.ack],
        ['halo https://sesi.dev/x', budiId, `${shop}@c.us`, undefined, 'chat', false, false, false, false, 2],
    );
    assert.deepEqual({ ...msg.id }, { fromMe: false, remote: budiId, id, _serialized: `false_${budiId}_${id}` });
    assert.ok(Math.abs(msg.timestamp - Date.now() / 1000) < 60);
    assert.deepEqual(msg.links, [{ link: 'https://sesi.dev/x', isSuspicious: false }]);
    assert.equal(JSON.stringify(msg).includes('_api'), false);
    assert.equal((await client.getMessageById(msg.id._serialized)).body, msg.body);
    assert.equal(await client.getMessageById(`false_${budiId}_NONE`), null);

    const chat = await msg.getChat();
    assert.deepEqual([chat.id._serialized, chat.isGroup, chat.name, chat.lastMessage.id.id], [budiId, false, 'Budi', id]);
    const [last] = await chat.fetchMessages({ limit: 1 });
    assert.equal(last.id.id, id);
    assert.deepEqual((await client.searchMessages('HALO')).map((one) => one.id.id), [id]);
    assert.deepEqual(heard.named('message_create').map(([one]) => one.id.id), [id]);
});

test('a reply, a send, a reaction, an edit, a revocation, and their acks', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message', 'message_create', 'message_ack', 'message_edit', 'message_revoke_everyone', 'message_reaction');
    const { id } = await stage.say(budi, 'tanya');
    const [msg] = await heard.next('message');

    const reply = await msg.reply('jawab');
    assert.deepEqual([reply.body, reply.fromMe, reply.from, reply.to, reply.hasQuotedMsg], ['jawab', true, `${shop}@c.us`, budiId, true]);
    const came = await stage.outbox('the reply', (one) => one.id === reply.id.id);
    assert.equal(came.message.extendedTextMessage.contextInfo.stanzaID, id);
    assert.equal((await reply.getQuotedMessage()).body, 'tanya');
    await heard.next('message_create', (one) => one.id._serialized === reply.id._serialized);
    await heard.next('message_ack', (one, ack) => one.id.id === reply.id.id && ack === 2 && one.body === 'jawab');
    await stage.ask('POST', '/receipt', { jid: shop, from: budi, ids: [reply.id.id], type: 'read' });
    await heard.next('message_ack', (one, ack) => one.id.id === reply.id.id && ack === 3);
    const info = await reply.getInfo();
    assert.deepEqual([info.delivery.length, info.read[0].id._serialized, info.readRemaining, info.playedRemaining], [1, budiId, 0, 1]);

    await msg.react('👍');
    const reaction = await stage.outbox('the reaction', (one) => one.kind === 'reaction');
    assert.deepEqual([reaction.message.reactionMessage.text, reaction.message.reactionMessage.key.ID], ['👍', id]);
    await stage.say(budi, undefined, { react: reply.id.id, fromMe: false, emoji: '❤️' });
    const [theirs] = await heard.next('message_reaction', (one) => one.senderId === budiId);
    assert.deepEqual([theirs.reaction, theirs.msgId._serialized], ['❤️', reply.id._serialized]);
    assert.deepEqual((await reply.getReactions()).map((one) => [one.aggregateEmoji, one.senders.length]), [['❤️', 1]]);

    const edited = await reply.edit('jawab baru');
    assert.equal(edited.body, 'jawab baru');
    await stage.say(budi, 'tanya lagi', { edit: id });
    const [, now, was] = await heard.next('message_edit', (one) => one.id.id === id);
    assert.deepEqual([now, was], ['tanya lagi', 'tanya']);
    assert.equal(await msg.edit('not mine'), null);

    await reply.delete(true);
    await stage.outbox('the revocation', (one) => one.kind === 'revoke');
    await assert.rejects(reply.delete(), NotSupported);
    await stage.say(budi, undefined, { revoke: id });
    const [gone, before] = await heard.next('message_revoke_everyone', (one) => one.id.id === id);
    assert.deepEqual([gone.type, gone.body, before.body], ['revoked', '', 'tanya lagi']);
    assert.equal(new Set(heard.named('message_create').map(([one]) => one.id._serialized)).size, heard.named('message_create').length);
});

test('what can be sent as text', async (t) => {
    const client = await ready(t, stage, Client);
    const mention = await client.sendMessage(budiId, `@${budi} lihat`, { mentions: budiId });
    const came = await stage.outbox('the mention', (one) => one.id === mention.id.id);
    assert.deepEqual(came.message.extendedTextMessage.contextInfo.mentionedJID.length, 1);
    assert.deepEqual(mention.mentionedIds, [budiId]);

    const rows = [{ title: 'Kopi', description: 'panas' }, { title: 'Teh' }];
    const menu = await client.sendMessage(budi, new List('Pilih', 'buka', [{ title: 'Minuman', rows }], 'Menu', 'kaki'));
    assert.equal(menu.body, '*Menu*\n\nPilih\n\n*Minuman*\n1. Kopi - panas\n2. Teh\n\n_kaki_');
    const buttons = await client.sendMessage(budi, new Buttons('Yakin?', [{ body: 'Ya' }, { body: 'Tidak' }]));
    assert.equal(buttons.body, 'Yakin?\n\n1. Ya\n2. Tidak');

    const quoted = await client.sendMessage(budiId, 'tanpa kutipan', { quotedMessageId: `false_${budiId}_NONE` });
    assert.equal(quoted.hasQuotedMsg, false);
    await assert.rejects(client.sendMessage(budiId, 'x', { quotedMessageId: `false_${budiId}_NONE`, ignoreQuoteErrors: false }), { kind: 'no-such-message' });
    await assert.rejects(client.sendMessage('9990001@c.us', 'x'), { kind: 'not-on-whatsapp' });
    await assert.rejects(client.sendMessage('Budi', 'x'), TypeError);

    const first = await client.sendMessage(budiId, 'teruskan');
    await first.forward('628111000002@c.us');
    await stage.outbox('the forwarded message', (one) => one.phone === '628111000002' && one.text === 'teruskan');
});

test('a message that cannot be read yet, and a chat object', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message', 'message_ciphertext');
    const { id } = await stage.say(budi, 'rahasia', { bad: 1 });
    const [sealed] = await heard.next('message_ciphertext');
    assert.deepEqual([sealed.id.id, sealed.type, sealed.body], [id, 'ciphertext', '']);
    const [msg] = await heard.next('message');
    assert.deepEqual([msg.id.id, msg.type, msg.body], [id, 'chat', 'rahasia']);

    const chat = await msg.getChat();
    const contact = await chat.getContact();
    assert.deepEqual([contact.id._serialized, contact.isMe, contact.isUser, contact.isWAContact], [budiId, false, true, true]);
    assert.equal((await (await contact.getChat()).sendMessage('lewat chat')).to, budiId);
    assert.deepEqual([await contact.getCountryCode(), await contact.getFormattedNumber()], ['62', '+62 81 1100 0001']);
    assert.deepEqual(await msg.getGroupMentions(), []);
});

test('who is on WhatsApp', async (t) => {
    const client = await ready(t, stage, Client);
    assert.deepEqual([await client.getCountryCode(budiId), await client.getFormattedNumber(budi)], ['62', '+62 81 1100 0001']);
    assert.equal(await client.isRegisteredUser(budiId), true);
    assert.equal(await client.isRegisteredUser('9990001@c.us'), false);
    assert.equal((await client.getNumberId(`+${budi}`))._serialized, budiId);
    assert.equal(await client.getNumberId('9990001'), null);
    const [one] = await client.getContactLidAndPhone([budiId]);
    assert.deepEqual([one.pn, one.lid.endsWith('@lid')], [budiId, true]);
    assert.match(version, /^\d/);
});

test('what came is marked as read when the program answers', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message');
    const { id } = await stage.say(budi, 'sudah dibaca?');
    const [msg] = await heard.next('message', (one) => one.id.id === id);
    await msg.reply('sudah');
    const read = (one) => one.tag === 'receipt' && one.type === 'read' && JSON.stringify(one).includes(id);
    await until('the read receipt', async () => (await stage.ask('GET', '/signals?since=0')).find(read));
});
