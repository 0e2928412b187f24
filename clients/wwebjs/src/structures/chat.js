'use strict';

const { fromParty, seconds, wid } = require('../ids');
const Base = require('./base');
const Message = require('./message');

/** Chat is a conversation with a person or a group. */
class Chat extends Base {
    constructor(client, data) {
        super(client);
        if (data) this._patch(data);
    }

    /** `data` is the bot's Chat, or a Party with what is known of its messages. */
    _patch(data) {
        this._data = data;
        const id = fromParty(data);
        this.id = wid(id);
        this.name = data.name || data.phone || this.id.user;
        this.isGroup = data.kind === 'group';
        this.isReadOnly = false;
        this.unreadCount = data.unread ?? 0;
        this.lastMessage = data.lastMessage ? new Message(this.client, data.lastMessage) : undefined;
        this.timestamp = seconds(data.timestamp) ?? this.lastMessage?.timestamp;
        this.archived = false;
        this.pinned = false;
        this.isLocked = false;
        this.isMuted = false;
        this.muteExpiration = 0;
        return super._patch(data);
    }

    async sendMessage(content, options) {
        return this.client.sendMessage(this.id._serialized, content, options);
    }

    async sendSeen() {
        return this.client.sendSeen(this.id._serialized);
    }

    /** clearMessages erases the chat on the account's devices, and what the bot keeps of it. */
    async clearMessages() {
        return this.client._eraseChat(this.id._serialized);
    }

    async archive() {
        return this.client.archiveChat(this.id._serialized);
    }

    async unarchive() {
        return this.client.unarchiveChat(this.id._serialized);
    }

    async markUnread() {
        return this.client.markChatUnread(this.id._serialized);
    }

    async delete() {
        return this.client._deleteChat(this.id._serialized);
    }

    async getLabels() {
        return this.client.getChatLabels(this.id._serialized);
    }

    async changeLabels(labelIds) {
        return this.client.addOrRemoveLabels(labelIds, [this.id._serialized]);
    }

    async sendStateTyping() {
        return this.client._typing(this.id._serialized, 'composing');
    }

    async sendStateRecording() {
        return this.client._typing(this.id._serialized, 'recording');
    }

    async clearState() {
        return this.client._typing(this.id._serialized, 'paused');
    }

    async fetchMessages(searchOptions = {}) {
        return this.client._fetchMessages(this.id._serialized, searchOptions);
    }

    async getContact() {
        return this.client.getContactById(this.id._serialized);
    }
}

/** PrivateChat is a chat with one person. */
class PrivateChat extends Chat {}

module.exports = { Chat, PrivateChat };
