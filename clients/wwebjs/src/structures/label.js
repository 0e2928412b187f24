'use strict';

const Base = require('./base');

/** Label is a label of the WhatsApp Business app. */
class Label extends Base {
    /** `data` is the bot's Label. */
    constructor(client, data) {
        super(client);
        if (data) this._patch(data);
    }

    _patch(data) {
        this.id = data.id;
        this.name = data.name;
        this.hexColor = data.colorHex;
        return super._patch(data);
    }

    getChats() {
        return this.client.getChatsByLabelId(this.id);
    }
}

module.exports = Label;
