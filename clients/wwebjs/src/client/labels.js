'use strict';

const { fromParty, toJID } = require('../ids');
const Label = require('../structures/label');

const ofChat = (chatId) => `/api/chats/${encodeURIComponent(toJID(chatId))}/labels`;

/** The labels of the WhatsApp Business app. */
const labels = {
    async getLabels() {
        return this._labels(await this._api.read('/api/labels'));
    },

    /** getLabelById is undefined where there is no such label. */
    async getLabelById(labelId) {
        return (await this.getLabels()).find((one) => one.id === String(labelId));
    },

    async getChatLabels(chatId) {
        return this._labels(await this._api.read(ofChat(chatId)));
    },

    async getChatsByLabelId(labelId) {
        const { chats } = await this._api.read(`/api/labels/${encodeURIComponent(labelId)}/chats`);
        return Promise.all(chats.map((one) => this.getChatById(fromParty(one))));
    },

    /** addOrRemoveLabels gives each chat these labels, and takes all others away. */
    async addOrRemoveLabels(labelIds, chatIds) {
        const body = { labels: labelIds.map(String) };
        for (const chatId of chatIds) await this._api.json('PUT', ofChat(chatId), { body });
    },

    _labels(page) {
        return page.labels.map((data) => new Label(this, data));
    },
};

module.exports = labels;
