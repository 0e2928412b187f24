'use strict';

const path = '/api/account/profile';

/** What the account shows of itself. */
const profile = {
    async setDisplayName(displayName) {
        await this._api.json('PATCH', path, { body: { name: displayName } });
        return true;
    },

    async setStatus(status) {
        await this._api.json('PATCH', path, { body: { about: status } });
    },

    async setProfilePicture(media) {
        return this._setPicture(`${path}/picture`, media);
    },

    async deleteProfilePicture() {
        return this._setPicture(`${path}/picture`, undefined);
    },

    /** _setPicture takes a JPEG; nothing removes the picture. */
    async _setPicture(where, media) {
        if (!media) return (await this._api.fetch('DELETE', where)).ok;
        const body = Buffer.from(media.data, 'base64');
        return (await this._api.fetch('PUT', where, { body, headers: { 'Content-Type': media.mimetype } })).ok;
    },
};

module.exports = profile;
