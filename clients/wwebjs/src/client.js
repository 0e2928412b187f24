'use strict';

const { EventEmitter } = require('node:events');
const path = require('node:path');

const { NoAuth } = require('./auth');
const { Cursor } = require('./cursor');
const { Events } = require('./events');
const { Api } = require('./http');
const { inert } = require('./inert');
const { atExit } = require('./leave');
const { Session, waState } = require('./session');
const ClientInfo = require('./structures/client-info');

/** Client is a WhatsApp session of a Sesi bot, with the methods and events of whatsapp-web.js. */
class Client extends EventEmitter {
    constructor(options = {}) {
        super();
        this.options = options;
        this.authStrategy = options.authStrategy ?? new NoAuth();
        this.authStrategy.setup?.(this);
        this.info = undefined;
        this.pupPage = inert('pupPage');
        this.pupBrowser = inert('pupBrowser');
        this.interface = inert('interface');
        const sesi = {
            url: process.env.SESI_URL, token: process.env.SESI_TOKEN, key: process.env.SESI_KEY,
            session: process.env.SESI_SESSION, ...options.sesi,
        };
        hide(this, '_api', new Api(sesi));
        hide(this, '_cursorFile', sesi.cursor ?? process.env.SESI_CURSOR ?? cursorFile(this.authStrategy));
        hide(this, '_unseen', new Map());
        hide(this, '_recent', new Map());
        hide(this, '_people', new Map());
        hide(this, '_running', undefined);
        hide(this, '_qrs', { count: 0, last: '' });
    }

    /** initialize begins to follow the session and its events. It is safe to call again. */
    async initialize() {
        if (this._running) return;
        const stop = new AbortController();
        const cursor = new Cursor(this._cursorFile);
        const running = { stop, cursor, reading: false };
        this._running = running;
        this._sayWhatIsLeft();
        running.events = new Events({ api: this._api, cursor, emitter: this, prepare: (event) => this._prepare(event), signal: stop.signal });
        running.session = new Session({ api: this._api, signal: stop.signal, take: (event, snapshot) => this._take(event, snapshot) });
        running.stay = atExit(() => {
            running.events.leave();
            cursor.writeNow();
        });
        running.events.begin();
        void running.session.run();
    }

    _signal() {
        return this._running?.stop.signal;
    }

    /** _take tells the program of the session, and begins to read messages once there is an account. */
    async _take([name, ...args], snapshot) {
        if (name === 'code') return this._tellCode();
        if (name === 'ready') {
            this.info = new ClientInfo(this, snapshot);
            this._qrs.count = 0;
            await this._running?.events.tried;
        }
        if (!this._running) return;
        this._emitSafely(name, ...args);
        if (name === 'ready' && this._running && !this._running.reading) {
            this._running.reading = true;
            void this._running.events.run();
        }
    }

    _emitSafely(name, ...args) {
        try {
            this.emit(name, ...args);
        } catch (error) {
            console.error(`sesi-wwebjs: a listener of ${name} failed:`, error);
        }
    }

    /**
     * destroy leaves the session: the bot stays linked and keeps what comes until the program is back. An event whose
     * listener calls it is handled.
     */
    async destroy() {
        const running = this._running;
        this._running = undefined;
        running?.stop.abort();
        running?.events.leave();
        await running?.cursor.writing;
        running?.stay();
        await this.authStrategy.destroy?.();
    }

    async logout() {
        await this._api.json('POST', '/api/session/logout');
        await this.authStrategy.logout?.();
    }

    /** getState asks the bot how the session is. */
    async getState() {
        const snapshot = await this._api.json('GET', '/api/session/status');
        return waState(snapshot);
    }

    async resetState() {
        await this._api.json('POST', '/api/session/restart');
    }

    async getWWebVersion() {
        return (await this._api.read('/api/session/status')).webVersion;
    }

    _meId() {
        return this.info?.wid._serialized ?? '';
    }

    _isMe(id) {
        return Boolean(id) && (id === this._meId() || id === this.info?.lid?._serialized);
    }

    /** _sayWhatIsLeft says in one line what of the options Sesi does by itself. */
    _sayWhatIsLeft() {
        const names = ['puppeteer', 'userAgent', 'webVersion', 'webVersionCache', 'ffmpegPath', 'bypassCSP', 'proxyAuthentication',
            'takeoverOnConflict', 'takeoverTimeoutMs', 'deviceName', 'browserName', 'evalOnNewDoc', 'authTimeoutMs'];
        const given = names.filter((name) => this.options[name] !== undefined);
        if (this.options.authStrategy) given.unshift(this.options.authStrategy.constructor.name);
        if (given.length > 0) {
            console.warn(`sesi-wwebjs: the bot at ${this._api.url} keeps the session itself; not needed: ${given.join(', ')}`);
        }
    }
}

/** cursorFile is beside the session's folder, which whatsapp-web.js programs already keep. */
function cursorFile(auth) {
    return path.join(auth.dataPath ?? path.resolve('.wwebjs_auth'), `sesi-wwebjs-${auth.clientId ?? 'default'}.json`);
}

function hide(target, name, value) {
    Object.defineProperty(target, name, { value, writable: true });
}

const parts = [
    require('./client/link'), require('./client/send'), require('./client/messages'), require('./client/happenings'),
    require('./client/chats'), require('./client/contacts'), require('./client/groups'), require('./client/settings'),
    require('./client/profile'), require('./client/labels'),
];
for (const part of parts) {
    for (const [name, value] of Object.entries(part)) {
        if (Object.hasOwn(Client.prototype, name)) throw new Error(`two parts of Client have ${name}`);
        Object.defineProperty(Client.prototype, name, { value, writable: true, configurable: true });
    }
}

module.exports = { Client };
