'use strict';

const { isMissing } = require('../errors');
const { fromParty, parseMessageId, toJID, wid } = require('../ids');
const Message = require('../structures/message');
const MessageMedia = require('../structures/message-media');
const PollVote = require('../structures/poll-vote');
const Reaction = require('../structures/reaction');

const path = '/api/messages';
const events = '/api/events';
const pageSize = 500;
const mostPages = 100;
const kept = 500;

/** lost are the problems of a file that is not to be had. */
const lost = new Set(['no-file', 'file-gone', 'file-damaged']);

/** pinOf is the path of a message's pin. */
const pinOf = ({ id, remote }) => `/api/messages/${encodeURIComponent(id)}/pin?chat=${encodeURIComponent(toJID(remote))}`;

/** What reads the messages and events that the bot keeps. */
const messages = {
    async getMessageById(id) {
        const data = await this._readMessage(parseMessageId(id));
        return data ? new Message(this, data) : null;
    },

    /** _readMessage asks the bot; undefined when it keeps no such message. */
    async _readMessage({ id, remote }) {
        try {
            const query = remote ? { chat: toJID(remote) } : {};
            return this._remember(await this._api.read(`${path}/${encodeURIComponent(id)}`, query));
        } catch (error) {
            if (isMissing(error)) return undefined;
            throw error;
        }
    },

    /** _pages yields the bot's messages, newest first. */
    async *_pages(query) {
        let before;
        for (let n = 0; n < mostPages; n++) {
            const page = await this._api.read(path, { ...query, before });
            yield* page.messages;
            before = page.before;
            if (!before) return;
        }
    },

    async _fetchMessages(chatId, { limit = 50, fromMe } = {}) {
        const found = [];
        const query = { chat: toJID(chatId), limit: Math.min(limit, pageSize) };
        for await (const data of this._pages(query)) {
            if (fromMe !== undefined && Boolean(data.fromMe) !== fromMe) continue;
            found.push(new Message(this, data));
            if (found.length >= limit) break;
        }
        return found.reverse();
    },

    async searchMessages(query, { chatId, page = 1, limit = 50 } = {}) {
        const wanted = String(query).toLowerCase();
        const found = [];
        const chat = chatId ? { chat: toJID(chatId) } : {};
        for await (const data of this._pages({ ...chat, limit: pageSize })) {
            if (data.text?.toLowerCase().includes(wanted)) found.push(new Message(this, data));
            if (found.length >= page * limit) break;
        }
        return found.slice((page - 1) * limit);
    },

    async _eraseChat(chatId) {
        await this._api.json('DELETE', `/api/chats/${encodeURIComponent(toJID(chatId))}/messages?devices=true`);
        return true;
    },

    async _star({ id, remote }, starred) {
        const where = `/api/messages/${encodeURIComponent(id)}/star?chat=${encodeURIComponent(toJID(remote))}`;
        await this._api.json(starred ? 'PUT' : 'DELETE', where);
    },

    /** _pin sends nothing but the duration: the bot says which there are. */
    async _pin(id, duration) {
        await this._api.json('PUT', pinOf(id), { body: { duration } });
        return true;
    },

    async _unpin(id) {
        await this._api.json('DELETE', pinOf(id));
        return true;
    },

    /** _downloadMedia is undefined where neither WhatsApp nor the phone has the file any more. */
    async _downloadMedia(message) {
        const { mimetype, filename, size } = message._data.media ?? {};
        const query = { chat: toJID(message.id.remote) };
        try {
            const bytes = await this._api.bytes(`${path}/${encodeURIComponent(message.id.id)}/media`, query);
            return new MessageMedia(mimetype, bytes.toString('base64'), filename, size ?? bytes.length);
        } catch (error) {
            if (lost.has(error.kind)) return undefined;
            throw error;
        }
    },

    /** _past yields the stored events of a chat of one type, oldest first. */
    async *_past(type, chat) {
        let after = 'oldest';
        for (let n = 0; n < mostPages; n++) {
            const page = await this._api.read(events, { types: type, chat, after, limit: pageSize });
            yield* page.events;
            if (page.events.length === 0 || page.next >= page.last) return;
            after = page.next;
        }
    },

    /** _reactions groups the last reaction of each person by emoji. */
    async _reactions(message) {
        const last = new Map();
        for await (const { data } of this._past('reaction', toJID(message.id.remote))) {
            if (data.reaction.messageId === message.id.id) last.set(fromParty(data.reaction.from), data.reaction);
        }
        const lists = new Map();
        for (const reaction of last.values()) {
            if (!reaction.emoji) continue;
            const one = lists.get(reaction.emoji) ?? { id: reaction.emoji, aggregateEmoji: reaction.emoji, hasReactionByMe: false, senders: [] };
            one.hasReactionByMe ||= Boolean(reaction.fromMe);
            one.senders.push(new Reaction(this, reaction, message));
            lists.set(reaction.emoji, one);
        }
        return [...lists.values()];
    },

    async getPollVotes(messageId) {
        const poll = await this.getMessageById(messageId);
        if (!poll) return [];
        const last = new Map();
        for await (const { data } of this._past('poll', toJID(poll.id.remote))) {
            if (data.poll.messageId === poll.id.id) last.set(fromParty(data.poll.from), data.poll);
        }
        return [...last.values()].map((update) => new PollVote(this, update, poll));
    },

    /** _remember keeps the newest messages, for events that are about them. */
    _remember(data) {
        const key = `${data.chat.id} ${data.id}`;
        this._recent.delete(key);
        this._recent.set(key, data);
        if (this._recent.size > kept) this._recent.delete(this._recent.keys().next().value);
        return data;
    },

    _recall(chat, id) {
        return this._recent.get(`${chat.id} ${id}`);
    },

    _contactId(id) {
        return wid(id);
    },
};

module.exports = messages;
