'use strict';

const { NotSupported } = require('../errors');
const { isStatus, parseMessageId, toJID } = require('../ids');
const { Contact } = require('../structures/contact');
const { List, Buttons } = require('../structures/choices');
const Location = require('../structures/location');
const MessageMedia = require('../structures/message-media');
const Poll = require('../structures/poll');
const ScheduledEvent = require('../structures/scheduled-event');

const list = (value) => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]);

/** mediaKind chooses how a file goes, as whatsapp-web.js does. */
function mediaKind(media, options) {
    if (options.sendMediaAsSticker) return 'sticker';
    if (options.sendMediaAsDocument) return 'document';
    const [family] = String(media.mimetype).split('/');
    if (family === 'audio') return options.sendAudioAsVoice ? 'voice' : 'audio';
    return family === 'image' || family === 'video' ? family : 'document';
}

function mediaContent(media, caption, options) {
    const kind = mediaKind(media, options);
    const file = { data: media.data, mimetype: media.mimetype || undefined, filename: media.filename || undefined };
    if (caption && ['image', 'video', 'document'].includes(kind)) file.caption = caption;
    if (options.isViewOnce) file.viewOnce = true;
    if (options.sendVideoAsGif && kind === 'video') file.animated = true;
    return { [kind]: file };
}

function contactContent(contacts) {
    return {
        contacts: contacts.map((contact) => ({
            name: contact.name || contact.pushname || contact.number || contact.id.user,
            phone: contact.number ? `+${contact.number}` : undefined,
        })),
    };
}

function vcardContent(text) {
    return { contacts: [{ vcard: text }] };
}

function locationContent({ latitude, longitude, name, address, url }) {
    return { location: { latitude: Number(latitude), longitude: Number(longitude), name, address, url } };
}

function pollContent({ pollName, pollOptions, options }) {
    const selectable = options.allowMultipleAnswers ? 0 : 1;
    return { poll: { name: pollName, options: pollOptions.map((one) => one.name), selectable } };
}

/** contentOf turns what a program sends into the content of a request. */
function contentOf(content, options) {
    if (content instanceof MessageMedia) return mediaContent(content, options.caption, options);
    if (options.media instanceof MessageMedia) return mediaContent(options.media, content, options);
    if (content instanceof Location) return locationContent(content);
    if (content instanceof Poll) return pollContent(content);
    if (content instanceof Contact) return contactContent([content]);
    if (Array.isArray(content) && content[0] instanceof Contact) return contactContent(content);
    if (content instanceof List) return { text: content.toText() };
    if (content instanceof Buttons && content.type === 'media') return mediaContent(content.body, content.toText(), options);
    if (content instanceof Buttons) return { text: content.toText() };
    if (content instanceof ScheduledEvent) throw new NotSupported('sending a ScheduledEvent', 'this package does not send it; the bot\'s API does, as an appointment');
    const text = String(content ?? '');
    if (options.parseVCards !== false && /^BEGIN:VCARD\r?\n[^]*END:VCARD\s*$/.test(text)) return vcardContent(text);
    return { text };
}

/** buildSend makes the bot's request of the arguments of sendMessage. */
function buildSend(chatId, content, options = {}) {
    const to = toJID(chatId);
    const made = { to: isStatus(to) ? 'status' : to, ...contentOf(content, options) };
    if (options.quotedMessageId) made.replyTo = parseMessageId(options.quotedMessageId).id;
    const mentions = list(options.mentions);
    if (mentions.length > 0) made.mentions = mentions.map((one) => toJID(one?.id ?? one));
    if (typeof options.linkPreview === 'object' && options.linkPreview) made.linkPreview = options.linkPreview;
    if (made.to === 'status') made.statusOptions = statusOptions(options);
    return made;
}

function statusOptions({ backgroundColor, fontStyle, contacts }) {
    return { backgroundColor, font: fontStyle, contacts: contacts && list(contacts).map((one) => toJID(one?.id ?? one)) };
}

module.exports = { buildSend, list };
