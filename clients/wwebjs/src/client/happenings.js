'use strict';

const { fromParty } = require('../ids');
const Call = require('../structures/call');
const Message = require('../structures/message');
const PollVote = require('../structures/poll-vote');
const Reaction = require('../structures/reaction');
const { groupCall } = require('./group-changes');

const subjects = new Set(['reaction', 'edit', 'revoke', 'vote']);

/** happenings turn the bot's events into calls of listeners. Each returns a list of [name, ...arguments]. */
const happenings = {
    message(client, { message }) {
        client._remember(message);
        client._noteUnseen(message);
        const made = new Message(client, message);
        return [['message_create', made], ['message', made]];
    },

    'message.sent'(client, { message }) {
        if (subjects.has(message.kind)) return [];
        return [['message_create', new Message(client, client._remember(message))]];
    },

    'message.undecryptable'(client, { message }) {
        const made = new Message(client, message);
        made.type = 'ciphertext';
        return [['message_ciphertext', made]];
    },

    async 'message.edited'(client, { edit }) {
        const before = client._recall(edit.chat, edit.id);
        const after = await client._about(edit, before);
        const message = new Message(client, client._remember({ ...after, text: edit.text, editedAt: edit.at }));
        return [['message_edit', message, edit.text, before?.text]];
    },

    async 'message.revoked'(client, { revoke }) {
        const before = client._recall(revoke.chat, revoke.id);
        const data = await client._about(revoke, before);
        const after = new Message(client, client._remember({ ...data, text: '', revokedAt: revoke.at }));
        return [['message_revoke_everyone', after, before ? new Message(client, { ...before, revokedAt: undefined }) : null]];
    },

    async reaction(client, { reaction }) {
        const target = await client._about({ id: reaction.messageId, chat: reaction.chat });
        const known = target.timestamp ? new Message(client, target) : undefined;
        return [['message_reaction', new Reaction(client, reaction, known)]];
    },

    /** poll tells of a vote. One that cannot be read comes again when the bot has its poll. */
    async poll(client, { poll }) {
        if (poll.unreadable) return [];
        const names = poll.tally.map((count) => count.option);
        const target = await client._about({ id: poll.messageId, chat: poll.chat });
        const known = target.poll ? target : { ...target, kind: 'poll', poll: { name: '', options: names, selectable: 0 } };
        return [['vote_update', new PollVote(client, poll, new Message(client, known))]];
    },

    call(client, { call }) {
        return call.state === 'offered' ? [['call', new Call(client, call)]] : [];
    },

    group(client, { group }, eventId) {
        if (group.change !== 'requested') return [groupCall(client, group, eventId)];
        return group.participants.map((one) => groupCall(client, { ...group, participants: [one] }, eventId));
    },

    async chat(client, { chatChange }) {
        const archived = chatChange.change === 'archived';
        const chat = await client.getChatById(fromParty(chatChange.chat));
        chat.archived = archived;
        return [['chat_archived', chat, archived, !archived]];
    },

    /** contact has no event of whatsapp-web.js. */
    contact(client, { contact }) {
        client._forget(contact);
        return [];
    },

    /** contact.number tells of another number by a message that WhatsApp Web shows in the chat. */
    'contact.number'(client, { number }, eventId) {
        const [oldId, newId] = [number.old, number.new].map(fromParty);
        client._forget(number.old);
        client._forget(number.new);
        const chat = number.group ?? number.new;
        const message = new Message(client, { id: eventId, chat, from: number.old, kind: 'unsupported', timestamp: number.at });
        message.type = number.group ? 'gp2' : 'notification_template';
        if (!number.group) message.to = newId;
        return [['contact_changed', message, oldId, newId, !number.group]];
    },

    async 'message.state'(client, { state }) {
        const data = await client._about({ ...state, fromMe: true });
        if (subjects.has(data.kind)) return [];
        const message = new Message(client, client._remember({ ...data, state: state.state }));
        return message.ack === 0 ? [] : [['message_ack', message, message.ack]];
    },
};

/** What belongs to the events that come. */
const members = {
    /** _prepare returns the calls for an event of the journal. */
    async _prepare(event) {
        const happening = happenings[event.type];
        return happening ? happening(this, event.data, event.id) : [];
    },

    /** _about is the message that an event names, as far as it is known. */
    async _about({ id, chat, from, fromMe }, known = this._recall(chat, id)) {
        if (known) return known;
        const kept = await this._readMessage({ id, remote: fromParty(chat) });
        return kept ?? { id, chat, from: from ?? chat, fromMe: Boolean(fromMe), kind: 'unsupported' };
    },
};

module.exports = members;
