'use strict';

const Base = require('./base');
const Message = require('./message');

/** Broadcast is the status messages of one person. */
class Broadcast extends Base {
    constructor(client, { id, messages }) {
        super(client);
        this.id = id;
        this.msgs = messages.map((data) => new Message(client, data));
        this.timestamp = this.msgs.at(-1)?.timestamp;
        this.totalCount = this.msgs.length;
        this.unreadCount = this.msgs.length;
    }

    getChat() {
        return this.client.getChatById(this.id._serialized);
    }

    getContact() {
        return this.client.getContactById(this.id._serialized);
    }
}

module.exports = Broadcast;
