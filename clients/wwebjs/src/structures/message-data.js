'use strict';

/** types are whatsapp-web.js's names of the bot's kinds of messages. */
const types = {
    text: 'chat', image: 'image', video: 'video', audio: 'audio', voice: 'ptt', document: 'document', sticker: 'sticker', album: 'album',
    location: 'location', poll: 'poll_creation', reaction: 'reaction', edit: 'protocol', revoke: 'protocol',
};

const unsupported = {
    groupInviteMessage: 'groups_v4_invite', orderMessage: 'order', productMessage: 'product', listMessage: 'list',
    listResponseMessage: 'list_response', buttonsResponseMessage: 'buttons_response', interactiveMessage: 'interactive',
    templateButtonReplyMessage: 'template_button_reply', eventMessage: 'scheduled_event_creation', albumMessage: 'album',
};

/** typeOf is the type of a message as programs compare it. */
function typeOf(data) {
    if (data.revokedAt) return 'revoked';
    if (data.kind === 'contacts') return (data.contacts?.length ?? 0) > 1 ? 'multi_vcard' : 'vcard';
    if (data.kind === 'unsupported') return unsupported[data.unsupportedType] ?? 'unknown';
    return types[data.kind] ?? 'unknown';
}

const acks = {
    queued: 0, held: 0, sending: 0, unknown: 0, sent: 1, delivered: 2, read: 3, played: 4, failed: -1, cancelled: -1,
};

/** ackOf is the number of a state; what came from others was delivered. */
const ackOf = (data) => (data.state ? acks[data.state] : data.fromMe ? 1 : 2);

/** bodyOf is what programs read as the text. */
function bodyOf(data) {
    if (data.revokedAt) return '';
    if (data.text) return data.text;
    if (data.kind === 'poll') return data.poll?.name ?? '';
    if (data.kind === 'contacts' && data.contacts?.length === 1) return data.contacts[0].vcard;
    return '';
}

const mediaKinds = new Set(['image', 'video', 'audio', 'voice', 'document', 'sticker']);

const hasMedia = (data) => !data.revokedAt && mediaKinds.has(data.kind);

const link = /\bhttps?:\/\/[^\s<>"']+|\bwww\.[^\s<>"']+\.[^\s<>"']+/gi;

const linksOf = (text) => (text.match(link) ?? []).map((found) => ({ link: found, isSuspicious: false }));

/** deviceOf guesses the sender's device by the form of the id. */
function deviceOf(id) {
    if (id.length > 25) return 'android';
    return id.startsWith('3A') ? 'ios' : 'web';
}

module.exports = { typeOf, ackOf, bodyOf, hasMedia, linksOf, deviceOf };
