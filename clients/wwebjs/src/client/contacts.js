'use strict';

const { fromParty, toJID, wid } = require('../ids');
const { countryCode, formatted } = require('../numbers');
const { BusinessContact, PrivateContact } = require('../structures/contact');

const checkSize = 50;

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
        const { contact, onWhatsApp } = await this._check(id);
        return this._contact({ id: toJID(id), kind: 'person', ...contact, onWhatsApp });
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
