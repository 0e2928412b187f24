'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { fromJID, fromParty, toJID, messageId, parseMessageId, seconds } = require('../src/ids');
const { countryCode, formatted } = require('../src/numbers');

test('addresses of programs and of the bot lead to each other', () => {
    for (const [jid, id] of [
        ['628111@s.whatsapp.net', '628111@c.us'],
        ['628111:3@s.whatsapp.net', '628111@c.us'],
        ['77@lid', '77@lid'],
        ['123-456@g.us', '123-456@g.us'],
        ['1@newsletter', '1@newsletter'],
        ['status@broadcast', 'status@broadcast'],
        ['', ''],
    ]) {
        assert.equal(fromJID(jid), id);
    }
    assert.equal(fromParty({ id: '77@lid', kind: 'person', phone: '+628111' }), '628111@c.us');
    assert.equal(fromParty({ id: '77@lid', kind: 'person' }), '77@lid');
    for (const [id, jid] of [
        ['628111@c.us', '628111@s.whatsapp.net'],
        [{ _serialized: '628111@c.us' }, '628111@s.whatsapp.net'],
        ['+62 811-1', '+628111'],
        [628111, '+628111'],
        ['77@lid', '77@lid'],
    ]) {
        assert.equal(toJID(id), jid);
    }
    for (const bad of ['', undefined, null, 'Budi']) assert.throws(() => toJID(bad), /chat id/);
});

test('ids of messages are made and read', () => {
    const personal = messageId({ fromMe: false, remote: '628111@c.us', id: '3EB0' });
    assert.equal(personal._serialized, 'false_628111@c.us_3EB0');
    const group = messageId({ fromMe: true, remote: '1@g.us', id: '3EB0', participant: '628111@c.us' });
    assert.equal(group._serialized, 'true_1@g.us_3EB0_628111@c.us');
    assert.deepEqual(parseMessageId(group), { fromMe: true, remote: '1@g.us', id: '3EB0', participant: '628111@c.us' });
    assert.deepEqual(parseMessageId(personal._serialized), { fromMe: false, remote: '628111@c.us', id: '3EB0', participant: undefined });
    assert.equal(parseMessageId('3EB0').id, '3EB0');
    assert.throws(() => parseMessageId('628111@c.us'), /message id/);
});

test('times are seconds, numbers have their country', () => {
    assert.equal(seconds('2026-01-02T03:04:05.678Z'), 1767323045);
    assert.equal(seconds(null), undefined);
    for (const [number, code] of [['628111@c.us', '62'], ['15551234567', '1'], ['77012345678', '7'], ['3531234567', '353'], ['5511', '55']]) {
        assert.equal(countryCode(number), code);
    }
    assert.equal(formatted('628123456789@c.us'), '+62 81 2345 6789');
});
