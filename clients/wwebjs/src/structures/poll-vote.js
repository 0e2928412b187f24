'use strict';

const { fromParty } = require('../ids');
const Base = require('./base');

/** PollVote is what one person chose; an empty choice takes an earlier one back. */
class PollVote extends Base {
    /** `poll` is the poll's Message, or undefined where the bot does not keep it. */
    constructor(client, update, poll) {
        super(client);
        const names = poll?.pollOptions?.map((option) => option.name) ?? [];
        this.voter = fromParty(update.from);
        this.selectedOptions = (update.options ?? []).map((name) => {
            const id = names.indexOf(name);
            return { id, localId: id, name };
        });
        this.interractedAtTs = Date.parse(update.at);
        this.parentMessage = poll;
        this.parentMsgKey = poll?.id;
    }
}

module.exports = PollVote;
