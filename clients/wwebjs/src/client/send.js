'use strict';

const { newKey, tracked, inEvent } = require('../handling');
const { fromParty, parseMessageId, toJID } = require('../ids');
const Message = require('../structures/message');
const { retry } = require('../wait');
const { buildSend, list } = require('./content');

const messages = '/api/messages';
const keyHeader = 'Idempotency-Key';

/** patience is how long a send waits for the bot outside of an event; in an event it waits until the bot is back. */
const patience = 5 * 60_000;

const quoteErrors = new Set(['no-such-message', 'ambiguous-message']);

const path = (id) => `${messages}/${encodeURIComponent(id)}`;

/** What writes to WhatsApp. Each request has a key, and is repeated with it until the bot has answered. */
const send = {
    async sendMessage(chatId, content, options = {}) {
        const request = buildSend(chatId, content, options);
        if (options.sendSeen !== false) void this._markSeen(request.to).catch(() => undefined);
        let data;
        try {
            data = await this._post(request);
        } catch (error) {
            if (!request.replyTo || options.ignoreQuoteErrors === false || !quoteErrors.has(error.kind)) throw error;
            data = await this._post({ ...request, replyTo: undefined });
        }
        return new Message(this, this._remember(data));
    },

    async sendReaction(id, reaction) {
        const target = parseMessageId(id);
        await this._post({ to: toJID(target.remote), reaction: { messageId: target.id, emoji: reaction } });
    },

    async _forward(id, chatId) {
        await this._post({ to: toJID(chatId), forward: { messageId: id.id, chat: toJID(id.remote) } });
    },

    async _vote(message, options) {
        const chosen = list(options).map((option) => String(option).trim()).filter(Boolean);
        await this._post({ to: toJID(message._getChatId()), vote: { messageId: message.id.id, options: chosen } });
    },

    async _edit(id, content, options) {
        const body = { text: String(content), mentions: options.mentions && list(options.mentions).map(toJID) };
        await this._keyed('PATCH', path(id.id), { query: { chat: toJID(id.remote) }, body });
    },

    async _revoke(id) {
        await this._keyed('DELETE', path(id.id), { query: { chat: toJID(id.remote) } });
    },

    _post(request) {
        return this._keyed('POST', messages, { body: request });
    },

    /** _keyed sends one request under one key, again and again while no answer comes. */
    _keyed(method, where, { query, body }) {
        const key = newKey(JSON.stringify([method, where, query, body]));
        const limit = inEvent() ? Infinity : patience;
        const once = () => this._api.json(method, where, { query, body, headers: { [keyHeader]: key }, signal: this._signal() });
        return tracked(() => retry(once, limit, this._signal()));
    },

    async sendSeen(chatId) {
        const chat = toJID(chatId);
        if (await this._markSeen(chat)) return true;
        const page = await this._api.read(messages, { chat, limit: 50 });
        const newest = page.messages.find((one) => !one.fromMe);
        if (newest) await this._read(newest.id, chat);
        return true;
    },

    /** _markSeen tells the sender that what came in this chat was read; false when nothing waits for it. */
    async _markSeen(chat) {
        const ids = this._unseen.get(chat) ?? [];
        this._unseen.delete(chat);
        for (const id of ids) await this._read(id, chat);
        return ids.length > 0;
    },

    async _read(id, chat) {
        await this._api.json('POST', `${path(id)}/read`, { query: { chat }, signal: this._signal() });
    },

    /** _noteUnseen remembers what came, for the next sendSeen. */
    _noteUnseen(data) {
        const chat = toJID(fromParty(data.chat));
        this._unseen.set(chat, [...(this._unseen.get(chat) ?? []), data.id].slice(-50));
    },
};

module.exports = send;
