'use strict';

const { isMissing } = require('../errors');
const { fromParty, isGroup, toJID, wid } = require('../ids');
const { countryCode, formatted } = require('../numbers');
const { BusinessContact, PrivateContact } = require('../structures/contact');

const contactsPath = '/api/contacts';
const checkSize = 50;
const mostPages = 100;
const kept = 500;
const fresh = 5 * 60_000;

const one = (id, rest = '') => `${contactsPath}/${encodeURIComponent(toJID(id))}${rest}`;

/** Who people are. */
const contacts = {
    /** _check asks WhatsApp about one person. */
    async _check(id) {
        const { contacts: [first] } = await this._checkAll([id]);
        return first;
    },

    async _checkAll(ids) {
        const found = [];
        for (let at = 0; at < ids.length; at += checkSize) {
            const asked = ids.slice(at, at + checkSize).map(toJID);
            found.push(...(await this._api.json('POST', `${contactsPath}/check`, { body: { contacts: asked } })).contacts);
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

    /** getContactById asks WhatsApp about a person, and keeps the answer for a while: programs ask at each message. */
    async getContactById(id) {
        const jid = toJID(id);
        if (isGroup(jid)) return this._contact({ ...await this._api.read(`/api/groups/${encodeURIComponent(jid)}`), kind: 'group' });
        const known = this._people.get(jid);
        if (known && Date.now() - known.at < fresh) return this._contact(known.data);
        const data = await this._api.read(one(jid));
        this._people.delete(jid);
        this._people.set(jid, { at: Date.now(), data });
        if (this._people.size > kept) this._people.delete(this._people.keys().next().value);
        return this._contact(data);
    },

    /** _forget makes the next question about a person go to WhatsApp. */
    _forget({ id, lid, phone }) {
        for (const jid of [id, lid, phone && toJID(phone), phone && toJID(fromParty({ kind: 'person', phone }))]) this._people.delete(jid);
    },

    async getContacts() {
        const found = [];
        let after;
        for (let n = 0; n < mostPages; n++) {
            const page = await this._api.read(contactsPath, { after });
            found.push(...page.contacts.map((data) => this._contact(data)));
            after = page.after;
            if (!after) break;
        }
        return found;
    },

    async getBlockedContacts() {
        const { contacts: found } = await this._api.read(`${contactsPath}/blocked`);
        return found.map((data) => this._contact({ ...data, blocked: true }));
    },

    async _setBlocked(id, blocked) {
        this._forget(await this._api.json(blocked ? 'PUT' : 'DELETE', one(id, '/block')));
    },

    async _aboutText(id) {
        return (await this._api.read(one(id, '/about'))).about || null;
    },

    /** getProfilePicUrl is undefined where there is no picture, or none that the account may see. */
    async getProfilePicUrl(id) {
        const where = isGroup(toJID(id)) ? '/api/groups' : contactsPath;
        try {
            return (await this._api.read(`${where}/${encodeURIComponent(toJID(id))}/picture`, undefined, this._signal())).url;
        } catch (error) {
            if (isMissing(error)) return undefined;
            throw error;
        }
    },

    async saveOrEditAddressbookContact(phoneNumber, firstName, lastName) {
        const fullName = [firstName, lastName].filter(Boolean).join(' ');
        this._forget(await this._api.json('PUT', one(phoneNumber), { body: { firstName, fullName } }));
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
