'use strict';

const { fromParty, messageId, seconds, isGroup } = require('../ids');
const Base = require('./base');

/** Reaction is an emoji at a message; an empty one takes an earlier one back. */
class Reaction extends Base {
    /** `target` is the Message that it is for, or undefined where the bot does not keep it. */
    constructor(client, data, target) {
        super(client);
        const remote = fromParty(data.chat);
        const from = fromParty(data.from);
        const participant = isGroup(remote) ? from : undefined;
        this.id = messageId({ fromMe: data.fromMe, remote, id: data.id, participant });
        this.orphan = target ? 0 : 1;
        this.orphanReason = undefined;
        this.timestamp = seconds(data.at);
        this.reaction = data.emoji;
        this.read = false;
        this.msgId = target?.id ?? messageId({ fromMe: false, remote, id: data.messageId });
        this.senderId = from;
        this.ack = undefined;
    }
}

module.exports = Reaction;
