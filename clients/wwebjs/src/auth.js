'use strict';

const path = require('node:path');

const names = /^[-_\w]+$/;

/** AuthStrategy says where whatsapp-web.js keeps its browser's profile. Sesi's bot keeps the session itself. */
class AuthStrategy {
    constructor({ clientId, dataPath } = {}) {
        if (clientId !== undefined && !names.test(clientId)) {
            throw new TypeError('clientId: only letters, digits, underscores and hyphens are allowed');
        }
        this.clientId = clientId;
        this.dataPath = path.resolve(dataPath || './.wwebjs_auth/');
    }

    setup(client) {
        this.client = client;
    }

    async beforeBrowserInitialized() {}
    async afterBrowserInitialized() {}
    async onAuthenticationNeeded() {
        return { failed: false, restart: false, failureEventPayload: undefined };
    }
    async getAuthEventPayload() {}
    async afterAuthReady() {}
    async disconnect() {}
    async destroy() {}
    async logout() {}
}

class NoAuth extends AuthStrategy {}

class LocalAuth extends AuthStrategy {}

class RemoteAuth extends AuthStrategy {
    constructor(options = {}) {
        super(options);
        this.store = options.store;
        this.backupSyncIntervalMs = options.backupSyncIntervalMs;
    }
}

module.exports = { AuthStrategy, NoAuth, LocalAuth, RemoteAuth };
