'use strict';

/** Poll is a question with options. */
class Poll {
    constructor(pollName, pollOptions, options = {}) {
        this.pollName = pollName.trim();
        this.pollOptions = pollOptions.map((option, localId) => ({ name: option.trim(), localId }));
        this.options = { allowMultipleAnswers: options.allowMultipleAnswers === true, messageSecret: options.messageSecret };
    }
}

module.exports = Poll;
