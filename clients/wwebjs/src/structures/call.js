'use strict';

const { fromParty, seconds } = require('../ids');
const Base = require('./base');

/** Call is a call that rings. */
class Call extends Base {
    constructor(client, data) {
        super(client);
        this._data = data;
        this.id = data.id;
        this.from = fromParty(data.from);
        this.timestamp = seconds(data.at);
        this.isVideo = Boolean(data.video);
        this.isGroup = Boolean(data.group);
        this.fromMe = false;
        this.canHandleLocally = false;
        this.webClientShouldHandle = false;
        this.participants = {};
    }

    /** reject ends the call for the caller. */
    async reject() {
        await this.client._rejectCall(this._data);
    }
}

module.exports = Call;
