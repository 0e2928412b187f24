'use strict';

/** wid is an address as whatsapp-web.js has it: {server, user, _serialized}. */
function wid(serialized) {
    const text = String(serialized);
    const at = text.lastIndexOf('@');
    return { server: at < 0 ? '' : text.slice(at + 1), user: at < 0 ? text : text.slice(0, at), _serialized: text };
}

/** fromJID turns the bot's address into the one that programs know: a person's number ends with @c.us. */
function fromJID(jid) {
    if (!jid) return '';
    const at = jid.lastIndexOf('@');
    if (at < 0) return jid;
    const user = jid.slice(0, at).split(':')[0]; // a device of a person is the person
    const server = jid.slice(at + 1);
    return `${user}@${server === 's.whatsapp.net' ? 'c.us' : server}`;
}

/** fromParty prefers the number, which programs store, to the hidden address. */
function fromParty(party) {
    if (!party) return '';
    if (party.kind === 'person' && party.phone) return `${party.phone.replace(/\D/g, '')}@c.us`;
    return fromJID(party.id);
}

/** toJID turns an id of a program into an address for the bot. It takes an id object, a string, or a bare number. */
function toJID(id) {
    const text = typeof id === 'object' && id !== null ? id._serialized : String(id ?? '');
    if (!text) throw new TypeError('chat id: it is empty');
    if (text.endsWith('@c.us')) return `${text.slice(0, -5)}@s.whatsapp.net`;
    if (text.includes('@')) return text;
    const digits = text.replace(/[\s()+.-]/g, '');
    if (!/^\d+$/.test(digits)) throw new TypeError(`chat id: ${JSON.stringify(text)} is neither an id nor a number`);
    return `+${digits}`;
}

/** messageId makes the id of a message, as programs read and store it. */
function messageId({ fromMe, remote, id, participant }) {
    const parts = [Boolean(fromMe), remote, id];
    if (participant) parts.push(participant);
    const made = { fromMe: Boolean(fromMe), remote, id, _serialized: parts.join('_') };
    if (participant) made.participant = participant;
    return made;
}

/** parseMessageId reads false_62811@c.us_3EB0, with or without a participant behind it, an id object, or a bare id. */
function parseMessageId(given) {
    const text = typeof given === 'object' && given !== null ? given._serialized : String(given ?? '');
    const found = /^(true|false)_([^_]+@[^_]+)_([^_]+)(?:_(.+))?$/.exec(text);
    if (!found) {
        if (!text || text.includes('@')) throw new TypeError(`message id: ${JSON.stringify(text)} is not one`);
        return { fromMe: undefined, remote: '', id: text, participant: undefined };
    }
    return { fromMe: found[1] === 'true', remote: found[2], id: found[3], participant: found[4] };
}

/** isGroup, isChannel and isStatus read an id as programs have it. */
const isGroup = (id) => String(id).endsWith('@g.us');
const isChannel = (id) => String(id).endsWith('@newsletter');
const isStatus = (id) => String(id) === 'status@broadcast';

/** seconds turns the API's time into the seconds that programs read; undefined without a time. */
const seconds = (time) => (time ? Math.floor(Date.parse(time) / 1000) : undefined);

module.exports = { wid, fromJID, fromParty, toJID, messageId, parseMessageId, isGroup, isChannel, isStatus, seconds };
