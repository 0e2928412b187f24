'use strict';

const { isMissing } = require('../errors');
const { fromParty, isGroup, toJID, wid } = require('../ids');
const { countryCode, formatted } = require('../numbers');
const { BusinessContact, PrivateContact } = require('../structures/contact');

const checkSize = 50;
const mostPages = 100;

/** Who people are. */
const contacts = {
    /** _check asks WhatsApp about one person. */
    async _check(id) {
        const { contacts: [one] } = await this._checkAll([id]);
        return one;
    },

    async _checkAll(ids) {
        const found = [];
        for (let at = 0; at < ids.length; at += checkSize) {
            const asked = ids.slice(at, at + checkSize).map(toJID);
            found.push(...(await this._api.json('POST', '/api/contacts/check', { body: { contacts: asked } })).contacts);
        }
        return { contacts: found };
    },

    async isRegisteredUser(id) {
        return (await this._check(id)).onWhatsApp;
    },

    async getNumberId(number) {
        const { onWhatsApp, contact } = await this._check(number);
        return onWhatsApp ? wid(fromParty(contact)) : null;
    },

    async getContactById(id) {
        const data = await this._api.read(`/api/contacts/${encodeURIComponent(toJID(id))}`);
        return this._contact(data);
    },

    async getContacts() {
        const found = [];
        let after;
        for (let n = 0; n < mostPages; n++) {
            const page = await this._api.read('/api/contacts', { after });
            found.push(...page.contacts.map((data) => this._contact(data)));
            after = page.after;
            if (!after) break;
        }
        return found;
    },

    async getBlockedContacts() {
        const { contacts: found } = await this._api.read('/api/contacts/blocked');
        return found.map((data) => this._contact({ ...data, blocked: true }));
    },

    async _setBlocked(id, blocked) {
        await this._api.json(blocked ? 'PUT' : 'DELETE', `/api/contacts/${encodeURIComponent(toJID(id))}/block`);
    },

    async getProfilePicUrl(id) {
        const where = isGroup(id?._serialized ?? id) ? 'groups' : 'contacts';
        try {
            return (await this._api.read(`/api/${where}/${encodeURIComponent(toJID(id))}/picture`)).url;
        } catch (error) {
            if (isMissing(error)) return undefined;
            throw error;
        }
    },

    _contact(data) {
        return data.businessName ? new BusinessContact(this, data) : new PrivateContact(this, data);
    },

    async getContactLidAndPhone(userIds) {
        const ids = Array.isArray(userIds) ? userIds : [userIds];
        const { contacts: found } = await this._checkAll(ids);
        return found.map(({ contact }) => ({
            lid: contact?.lid ?? '',
            pn: contact?.phone ? fromParty(contact) : '',
        }));
    },

    async getCountryCode(number) {
        return countryCode(number);
    },

    async getFormattedNumber(number) {
        return formatted(number);
    },
};

module.exports = contacts;
