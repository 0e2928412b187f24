'use strict';

const Base = require('./base');

/** GroupNotification is a change of a group. */
class GroupNotification extends Base {
    constructor(client, { id, type, body, timestamp, chatId, author, recipientIds }) {
        super(client);
        this.id = id;
        this.body = body ?? '';
        this.type = type;
        this.timestamp = timestamp;
        this.chatId = chatId;
        this.author = author;
        this.recipientIds = recipientIds ?? [];
    }

    getChat() {
        return this.client.getChatById(this.chatId);
    }

    getContact() {
        return this.client.getContactById(this.author);
    }

    getRecipients() {
        return Promise.all(this.recipientIds.map((id) => this.client.getContactById(id)));
    }

    reply(content, options = {}) {
        return this.client.sendMessage(this.chatId, content, options);
    }
}

module.exports = GroupNotification;
