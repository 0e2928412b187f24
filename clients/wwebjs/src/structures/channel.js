'use strict';

const { Chat } = require('./chat');

/** Channel is a channel (newsletter) of which the bot keeps a message. */
class Channel extends Chat {
    _patch(data) {
        super._patch(data);
        this.channelMetadata = {};
        this.description = data.description ?? '';
        this.isChannel = true;
        return data;
    }
}

module.exports = Channel;
