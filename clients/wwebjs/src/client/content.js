'use strict';

const { NotSupported } = require('../errors');
const { isStatus, parseMessageId, toJID } = require('../ids');
const { files } = require('../not-supported');
const { Contact } = require('../structures/contact');
const { List, Buttons } = require('../structures/choices');
const Location = require('../structures/location');
const MessageMedia = require('../structures/message-media');
const Poll = require('../structures/poll');
const ScheduledEvent = require('../structures/scheduled-event');

const list = (value) => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]);

function contactContent(contacts) {
    return {
        request: {
            contacts: contacts.map((contact) => ({
                name: contact.name || contact.pushname || contact.number || contact.id.user,
                phone: contact.number ? `+${contact.number}` : undefined,
            })),
        },
    };
}

function vcardContent(text) {
    return { request: { contacts: [{ vcard: text }] } };
}

function locationContent({ latitude, longitude, name, address, url }) {
    return { request: { location: { latitude: Number(latitude), longitude: Number(longitude), name, address, url } } };
}

function pollContent({ pollName, pollOptions, options }) {
    const selectable = options.allowMultipleAnswers ? 0 : 1;
    return { request: { poll: { name: pollName, options: pollOptions.map((one) => one.name), selectable } } };
}

/** contentOf turns what a program sends into the content of a request: {request, file}. */
function contentOf(content, options) {
    if ([content, content?.body, options.media].some((one) => one instanceof MessageMedia)) {
        throw new NotSupported('sending a MessageMedia', files);
    }
    if (content instanceof Location) return locationContent(content);
    if (content instanceof Poll) return pollContent(content);
    if (content instanceof Contact) return contactContent([content]);
    if (Array.isArray(content) && content[0] instanceof Contact) return contactContent(content);
    if (content instanceof List) return { request: { text: content.toText() } };
    if (content instanceof Buttons) return { request: { text: content.toText() } };
    if (content instanceof ScheduledEvent) throw new NotSupported('sending a ScheduledEvent', 'the bot has no such message');
    const text = String(content ?? '');
    if (options.parseVCards !== false && /^BEGIN:VCARD\r?\n[^]*END:VCARD\s*$/.test(text)) return vcardContent(text);
    return { request: { text } };
}

/** buildSend makes the bot's request of the arguments of sendMessage. */
function buildSend(chatId, content, options = {}) {
    const { request, file } = contentOf(content, options);
    const to = toJID(chatId);
    const made = { to: isStatus(to) ? 'status' : to, ...request };
    if (options.quotedMessageId) made.replyTo = parseMessageId(options.quotedMessageId).id;
    const mentions = list(options.mentions);
    if (mentions.length > 0) made.mentions = mentions.map((one) => toJID(one?.id ?? one));
    if (typeof options.linkPreview === 'object' && options.linkPreview) made.linkPreview = options.linkPreview;
    if (made.to === 'status') made.statusOptions = statusOptions(options);
    return { request: made, file };
}

function statusOptions({ backgroundColor, fontStyle, contacts }) {
    return { backgroundColor, font: fontStyle, contacts: contacts && list(contacts).map((one) => toJID(one?.id ?? one)) };
}

module.exports = { buildSend, list };
