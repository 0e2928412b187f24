'use strict';

const { fromJID, isChannel, isGroup, toJID } = require('../ids');
const Channel = require('../structures/channel');
const { Chat, PrivateChat } = require('../structures/chat');
const GroupChat = require('../structures/group-chat');

const mostPages = 100;

const seg = (id) => encodeURIComponent(toJID(id));

/** What chats are and what can be done to them. */
const chats = {
    async getChatById(chatId) {
        const id = typeof chatId === 'object' ? chatId._serialized : String(chatId);
        if (isGroup(id)) return new GroupChat(this, await this._api.read(`/api/groups/${seg(id)}`));
        const chat = toJID(id);
        const page = await this._api.read('/api/messages', { chat, limit: 1 });
        const lastMessage = page.messages[0];
        if (isChannel(id)) return new Channel(this, { kind: 'newsletter', ...lastMessage?.chat, id: chat, lastMessage });
        const { contact } = await this._check(id);
        const named = lastMessage && !lastMessage.fromMe ? lastMessage.from.name : undefined;
        const party = contact ?? lastMessage?.chat ?? { id: fromJID(chat), kind: 'person' };
        return new PrivateChat(this, { ...party, name: party.name || named, lastMessage });
    },

    async getChats() {
        const found = [];
        let before;
        for (let n = 0; n < mostPages; n++) {
            const page = await this._api.read('/api/chats', { limit: 100, before });
            for (const data of page.chats) if (data.kind !== 'newsletter') found.push(this._chat(data));
            before = page.before;
            if (!before) break;
        }
        return found;
    },

    _chat(data) {
        if (data.kind === 'group') return new GroupChat(this, data);
        return data.kind === 'person' ? new PrivateChat(this, data) : new Chat(this, data);
    },

    async archiveChat(chatId) {
        return this._changeChat(chatId, { archived: true });
    },

    async unarchiveChat(chatId) {
        return this._changeChat(chatId, { archived: false });
    },

    async markChatUnread(chatId) {
        return this._changeChat(chatId, { unread: true });
    },

    async _changeChat(chatId, fields) {
        await this._api.json('PATCH', `/api/chats/${seg(chatId)}`, { body: fields });
        return true;
    },

    async _deleteChat(chatId) {
        await this._api.json('DELETE', `/api/chats/${seg(chatId)}`);
        return true;
    },

    async _typing(chatId, state) {
        await this._api.json('POST', `/api/chats/${seg(chatId)}/typing`, { body: { state } });
        return true;
    },

    async sendPresenceAvailable() {
        await this._api.json('POST', '/api/presence', { body: { presence: 'available' } });
    },

    async sendPresenceUnavailable() {
        await this._api.json('POST', '/api/presence', { body: { presence: 'unavailable' } });
    },

    async _rejectCall({ id, from }) {
        await this._api.json('POST', `/api/calls/${encodeURIComponent(id)}/reject`, { body: { from: from.id } });
    },
};

module.exports = chats;
