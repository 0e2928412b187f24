'use strict';

const { NotSupported } = require('../errors');
const { fromParty, messageId, seconds, isGroup, isStatus } = require('../ids');
const Base = require('./base');
const Location = require('./location');
const { typeOf, ackOf, bodyOf, hasMedia, linksOf, deviceOf } = require('./message-data');

/** Message is one message of a chat. Its fields are those of whatsapp-web.js; rawData is the bot's own message. */
class Message extends Base {
    constructor(client, data) {
        super(client);
        if (data) this._patch(data);
    }

    _patch(data) {
        this._data = data;
        const remote = fromParty(data.chat);
        const writer = data.fromMe ? this.client._meId() : fromParty(data.from);
        const shared = isGroup(remote) || isStatus(remote);
        this.id = messageId({ fromMe: data.fromMe, remote, id: data.id, participant: shared ? writer : undefined });
        this.ack = ackOf(data);
        this.hasMedia = hasMedia(data);
        this.body = bodyOf(data);
        this.type = typeOf(data);
        this.timestamp = seconds(data.timestamp);
        this.from = data.fromMe ? writer : remote;
        this.to = data.fromMe ? remote : this.client._meId();
        this.author = shared ? writer : undefined;
        this.deviceType = deviceOf(data.id);
        this.fromMe = Boolean(data.fromMe);
        this.isForwarded = Boolean(data.forwarded);
        this.forwardingScore = data.forwardingScore ?? 0;
        this.isStatus = isStatus(remote);
        this.isStarred = false;
        this.broadcast = remote.endsWith('@broadcast');
        this.isEphemeral = Boolean(data.expiresIn);
        this.hasQuotedMsg = Boolean(data.replyTo);
        this.hasReaction = false;
        this._patchContent(data);
        return super._patch(data);
    }

    _patchContent(data) {
        this.duration = data.media?.seconds ? String(data.media.seconds) : undefined;
        this.isGif = data.kind === 'video' && Boolean(data.media?.animated);
        this.isViewOnce = Boolean(data.viewOnce);
        this.location = data.location && new Location(data.location.latitude, data.location.longitude, data.location);
        this.vCards = (data.contacts ?? []).map((contact) => contact.vcard);
        this.mentionedIds = (data.mentions ?? []).map(fromParty);
        this.groupMentions = [];
        this.links = linksOf(this.body);
        this.inviteV4 = undefined;
        this.orderId = undefined;
        if (data.linkPreview) {
            this.title = data.linkPreview.title;
            this.description = data.linkPreview.description;
        }
        if (data.editedAt) this.latestEditSenderTimestampMs = Date.parse(data.editedAt);
        if (data.poll) {
            this.pollName = data.poll.name;
            this.pollOptions = data.poll.options.map((name, localId) => ({ name, localId }));
            this.allowMultipleAnswers = data.poll.selectable !== 1;
        }
    }

    _getChatId() {
        return this.fromMe ? this.to : this.from;
    }

    get rawData() {
        return this._data;
    }

    /** reload reads the message again; null when the bot no longer keeps it. */
    async reload() {
        const data = await this.client._readMessage(this.id);
        if (!data) return null;
        this._patch(data);
        return this;
    }

    getChat() {
        return this.client.getChatById(this._getChatId());
    }

    getContact() {
        return this.client.getContactById(this.author || this.from);
    }

    getMentions() {
        return Promise.all(this.mentionedIds.map((id) => this.client.getContactById(id)));
    }

    getGroupMentions() {
        return Promise.all(this.groupMentions.map((one) => this.client.getChatById(one.groupJid)));
    }

    /** getQuotedMessage is the whole message if the bot keeps it, else what the answer holds of it. */
    async getQuotedMessage() {
        const quote = this._data.replyTo;
        if (!quote) return undefined;
        const kept = await this.client._readMessage(messageId({ remote: fromParty(this._data.chat), id: quote.id }));
        const part = { chat: this._data.chat, kind: 'text', ...quote, fromMe: this.client._isMe(fromParty(quote.from)) };
        return new Message(this.client, kept ?? part);
    }

    async reply(content, chatId, options = {}) {
        return this.client.sendMessage(chatId || this._getChatId(), content, {
            ...options,
            quotedMessageId: this.id._serialized,
        });
    }

    async react(reaction) {
        await this.client.sendReaction(this.id._serialized, reaction);
    }

    async star() {
        await this.client._star(this.id, true);
    }

    async unstar() {
        await this.client._star(this.id, false);
    }

    /** pin shows the message at the top of its chat for a day, a week or 30 days, in seconds. */
    async pin(duration) {
        return this.client._pin(this.id, duration);
    }

    async unpin() {
        return this.client._unpin(this.id);
    }

    async forward(chat) {
        await this.client._forward(this.id, typeof chat === 'string' ? chat : chat.id._serialized);
    }

    async downloadMedia() {
        return this.hasMedia ? this.client._downloadMedia(this) : undefined;
    }

    /** delete takes the message back for everyone; an own copy only cannot be deleted. */
    async delete(everyone) {
        if (!everyone) {
            throw new NotSupported('Message.delete without everyone', 'the bot takes messages back for everyone only; use delete(true)');
        }
        await this.client._revoke(this.id);
    }

    /** edit returns null where nothing is edited: a message of someone else, or to an empty text. */
    async edit(content, options = {}) {
        if (!this.fromMe || String(content ?? '') === '') return null;
        await this.client._edit(this.id, content, options);
        return this.reload();
    }

    async vote(selectedOptions) {
        await this.client._vote(this, selectedOptions);
    }

    getPollVotes() {
        return this.client.getPollVotes(this.id._serialized);
    }

    getReactions() {
        return this.client._reactions(this);
    }

    /** getInfo tells when the message was delivered, read and played. In a group the bot knows only that someone did. */
    async getInfo() {
        if (!this.fromMe) return null;
        const history = (await this.client._readMessage(this.id))?.history ?? [];
        const id = this.client._contactId(this.to);
        const when = (state) => history.filter((one) => one.state === state).slice(0, 1).map((one) => ({ id, t: seconds(one.at) }));
        const [delivery, read, played] = ['delivered', 'read', 'played'].map(when);
        const left = (done) => (done.length > 0 ? 0 : 1);
        return { delivery, deliveryRemaining: left(delivery), read, readRemaining: left(read), played, playedRemaining: left(played) };
    }
}

module.exports = Message;
