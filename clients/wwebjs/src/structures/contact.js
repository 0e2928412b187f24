'use strict';

const { fromParty, wid } = require('../ids');
const Base = require('./base');

/** Contact is a person, as far as the bot knows them. */
class Contact extends Base {
    constructor(client, data) {
        super(client);
        if (data) this._patch(data);
    }

    /** `data` is the bot's Party or Contact. */
    _patch(data) {
        this._data = data;
        const id = fromParty(data);
        this.id = wid(id);
        this.number = data.phone ? data.phone.replace(/\D/g, '') : this.id.server === 'c.us' ? this.id.user : undefined;
        this.isBusiness = Boolean(data.businessName);
        this.isEnterprise = false;
        this.labels = [];
        this.name = data.contactName || undefined;
        this.pushname = data.pushName || data.name || undefined;
        this.sectionHeader = undefined;
        this.shortName = data.contactName?.split(' ')[0];
        this.statusMute = false;
        this.type = 'in';
        this.verifiedLevel = undefined;
        this.verifiedName = data.businessName || undefined;
        this.isMe = this.client._isMe(id);
        this.isUser = data.kind === 'person';
        this.isGroup = data.kind === 'group';
        this.isWAContact = data.onWhatsApp !== false;
        this.isMyContact = Boolean(data.contactName);
        this.isBlocked = Boolean(data.blocked);
        return super._patch(data);
    }

    getProfilePicUrl() {
        return this.client.getProfilePicUrl(this.id._serialized);
    }

    getFormattedNumber() {
        return this.client.getFormattedNumber(this.id._serialized);
    }

    getCountryCode() {
        return this.client.getCountryCode(this.id._serialized);
    }

    async getChat() {
        return this.isMe ? null : this.client.getChatById(this.id._serialized);
    }

    async block() {
        if (this.isGroup) return false;
        await this.client._setBlocked(this.id._serialized, true);
        this.isBlocked = true;
        return true;
    }

    async unblock() {
        if (this.isGroup) return false;
        await this.client._setBlocked(this.id._serialized, false);
        this.isBlocked = false;
        return true;
    }

    getAbout() {
        return this.client._aboutText(this.id._serialized);
    }

    getCommonGroups() {
        return this.client.getCommonGroups(this.id._serialized);
    }

    getBroadcast() {
        return this.client.getBroadcastById(this.id._serialized);
    }
}

/** PrivateContact and BusinessContact tell apart who is a business. */
class PrivateContact extends Contact {}

class BusinessContact extends Contact {
    _patch(data) {
        this.businessProfile = undefined;
        return super._patch(data);
    }
}

module.exports = { Contact, PrivateContact, BusinessContact };
