'use strict';

const { parseMessageId, fromParty, wid } = require('../ids');
const Broadcast = require('../structures/broadcast');

const day = 24 * 3600 * 1000;

/** What has a meaning in a browser only, and statuses. */
const settings = {
    async cancelPairingCode() {
        this._qrs.asked = undefined;
    },

    async setAutoDownloadAudio() {},
    async setAutoDownloadDocuments() {},
    async setAutoDownloadPhotos() {},
    async setAutoDownloadVideos() {},
    async setBackgroundSync() {},

    async revokeStatusMessage(messageId) {
        await this._revoke({ ...parseMessageId(messageId), remote: 'status@broadcast' });
    },

    /** getBroadcasts are the statuses of the last day that the bot keeps, by person. */
    async getBroadcasts() {
        const people = new Map();
        for await (const data of this._pages({ chat: 'status@broadcast', limit: 100 })) {
            if (Date.now() - Date.parse(data.timestamp) > day) break;
            const id = data.fromMe ? this._meId() : fromParty(data.from);
            people.set(id, [data, ...(people.get(id) ?? [])]);
        }
        return [...people].map(([id, messages]) => new Broadcast(this, { id: wid(id), messages }));
    },

    async getBroadcastById(contactId) {
        const all = await this.getBroadcasts();
        return all.find((one) => one.id._serialized === contactId) ?? new Broadcast(this, { id: wid(contactId), messages: [] });
    },
};

module.exports = settings;
