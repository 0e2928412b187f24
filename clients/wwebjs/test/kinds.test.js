'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');

const { Client, Location, Poll } = require('..');
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

test('polls and votes, both ways', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message', 'message_create', 'vote_update');
    const poll = await client.sendMessage(budiId, new Poll(' Kopi? ', ['Ya ', 'Tidak', 'Nanti'], { allowMultipleAnswers: true }));
    assert.deepEqual([poll.type, poll.body, poll.pollName, poll.allowMultipleAnswers], ['poll_creation', 'Kopi?', 'Kopi?', true]);
    assert.deepEqual(poll.pollOptions.map((one) => one.name), ['Ya', 'Tidak', 'Nanti']);

    await stage.vote(budi, poll.id.id, 'Ya', 'Nanti');
    const [vote] = await heard.next('vote_update');
    assert.deepEqual([vote.voter, vote.selectedOptions.map((one) => one.name)], [budiId, ['Ya', 'Nanti']]);
    assert.deepEqual([vote.parentMessage.pollName, vote.parentMsgKey._serialized], ['Kopi?', poll.id._serialized]);
    assert.ok(Math.abs(vote.interractedAtTs - Date.now()) < 60_000);
    await stage.vote(budi, poll.id.id, 'Tidak');
    await heard.next('vote_update', (one) => one.selectedOptions[0].localId === 1);
    const votes = await poll.getPollVotes();
    assert.deepEqual(votes.map((one) => [one.voter, one.selectedOptions[0].name]), [[budiId, 'Tidak']]);
    await stage.vote(budi, poll.id.id);
    await heard.next('vote_update', (one) => one.selectedOptions.length === 0);

    await stage.say(budi, undefined, { poll: { name: 'Pedas?', options: ['Ya', 'Tidak'], selectable: 1 } });
    const [theirs] = await heard.next('message', (one) => one.pollName === 'Pedas?');
    assert.deepEqual([theirs.type, theirs.allowMultipleAnswers], ['poll_creation', false]);
    await theirs.vote('Tidak');
    const [mine] = await heard.next('vote_update', (one) => one.parentMessage.pollName === 'Pedas?');
    assert.deepEqual([mine.voter, mine.selectedOptions[0].name], [`${shop}@c.us`, 'Tidak']);
    assert.deepEqual((await client.getPollVotes(theirs.id._serialized)).length, 1);
    assert.deepEqual(await client.getPollVotes(`false_${budiId}_NONE`), []);
});

test('a call that rings, and is rejected', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'call');
    const { id } = await stage.ask('POST', '/call', { jid: shop, from: budi, video: true });
    const [call] = await heard.next('call');
    assert.deepEqual([call.id, call.from, call.isVideo, call.isGroup, call.fromMe], [id, budiId, true, false, false]);
    await call.reject();
    const told = async () => (await stage.api('GET', '/api/events?types=call&after=oldest')).events.map((one) => one.data.call.state);
    await until('the end of the call', async () => (await told()).includes('ended'));
    await assert.rejects(stage.ask('POST', '/call', { id, do: 'take' }), /is rejected/);
    assert.equal(heard.named('call').length, 1);
});

test('places and contacts, both ways', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message');
    const place = await client.sendMessage(budiId, new Location(-6.2, 106.8, { name: 'Monas', address: 'Jakarta', url: 'https://sesi.dev' }));
    assert.deepEqual([place.type, place.location.latitude, place.location.description], ['location', -6.2, 'Monas\nJakarta']);
    const came = await stage.outbox('the place', (one) => one.id === place.id.id);
    assert.equal(came.message.locationMessage.degreesLongitude, 106.8);

    const vcard = 'BEGIN:VCARD\nVERSION:3.0\nFN;CHARSET=UTF-8:Siti\nTEL;type=CELL;waid=628111000002:+628111000002\nEND:VCARD';
    const card = await client.sendMessage(budiId, vcard);
    assert.deepEqual([card.type, card.vCards.length, card.body.startsWith('BEGIN:VCARD')], ['vcard', 1, true]);
    const text = await client.sendMessage(budiId, vcard, { parseVCards: false });
    assert.deepEqual([text.type, text.body], ['chat', vcard]);

    const there = { locationMessage: { degreesLatitude: -7.8, degreesLongitude: 110.4, name: 'Jogja' } };
    await stage.say(budi, undefined, { message: there });
    const [msg] = await heard.next('message', (one) => one.type === 'location');
    assert.deepEqual([msg.location.latitude, msg.location.name, msg.hasMedia], [-7.8, 'Jogja', false]);
    const two = { contactsArrayMessage: { displayName: '2', contacts: [{ displayName: 'A', vcard }, { displayName: 'B', vcard }] } };
    await stage.say(budi, undefined, { message: two });
    const [cards] = await heard.next('message', (one) => one.type === 'multi_vcard');
    assert.equal(cards.vCards.length, 2);
});

test('statuses, typing and presence', async (t) => {
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message', 'message_create');
    await stage.ask('POST', '/say', { jid: budi, from: shop, text: 'dari ponsel', name: 'Toko' }); // WhatsApp tells the account's name
    const [own] = await heard.next('message_create', (one) => one.body === 'dari ponsel');
    assert.deepEqual([own.fromMe, own.to, heard.named('message').length], [true, budiId, 0]);
    await stage.ask('POST', '/status', { from: budi, to: [shop], text: 'libur' });
    const [status] = await heard.next('message', (one) => one.isStatus);
    assert.deepEqual([status.from, status.author, status.body, status.broadcast], ['status@broadcast', budiId, 'libur', true]);
    const posts = [...await client.getBroadcasts(), await client.getBroadcastById(budiId)];
    assert.deepEqual(posts.map((one) => [one.id._serialized, one.msgs[0].body]), [[budiId, 'libur'], [budiId, 'libur']]);
    assert.equal((await posts[0].getContact()).id._serialized, budiId);
    assert.equal((await posts[0].getChat()).id._serialized, budiId);
    assert.equal((await (await client.getContactById(budiId)).getBroadcast()).totalCount, 1);

    const post = await client.sendMessage('status@broadcast', 'buka jam 8', { contacts: [budiId] });
    await client.revokeStatusMessage(post.id._serialized);
    await stage.outbox('the revocation', (one) => one.kind === 'revoke');

    const chat = await client.getChatById(budiId);
    for (const act of ['sendStateTyping', 'sendStateRecording', 'clearState']) assert.equal(await chat[act](), true);
    await client.sendPresenceAvailable();
    await client.sendPresenceUnavailable();
    for (const sign of ['composing', 'paused', '"available"', '"unavailable"']) {
        await until(sign, async () => JSON.stringify(await stage.ask('GET', '/signals?since=0')).includes(sign));
    }
});
