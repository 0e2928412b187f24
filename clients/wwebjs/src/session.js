'use strict';

const { SesiError, isAway } = require('./errors');
const { Backoff, sleep } = require('./wait');

const path = '/api/session/events';

/** states are the words of whatsapp-web.js for the bot's states. */
const states = {
    Connecting: 'OPENING',
    Pairing: 'UNPAIRED',
    Connected: 'CONNECTED',
    Reconnecting: 'TIMEOUT',
    Conflict: 'CONFLICT',
    LoggedOut: 'UNPAIRED',
    Restricted: 'TOS_BLOCK',
    Outdated: 'DEPRECATED_VERSION',
    Failed: 'UNLAUNCHED',
    Stopped: 'UNLAUNCHED',
};

/** waState is the state of a snapshot in whatsapp-web.js's words. */
function waState(snapshot) {
    if (snapshot.state === 'Pairing' && snapshot.authenticated) return 'PAIRING';
    return states[snapshot.state] ?? 'UNLAUNCHED';
}

/** over are the states from which the bot does not come back by itself. */
const over = new Set(['Conflict', 'LoggedOut', 'Restricted', 'Outdated', 'Stopped']);
const refused = new Set(['Restricted', 'Outdated']);

/**
 * classifySnapshot says which events a new snapshot means, given what was told before. It is pure: it changes neither.
 * The answer is {events: [[name, ...arguments]], told}; an event `code` without arguments asks for the current code.
 */
function classifySnapshot(told, snapshot) {
    const events = [];
    const next = { ...told, state: waState(snapshot) };
    if (next.state !== told.state && told.state !== undefined) events.push(['change_state', next.state]);
    if (snapshot.state === 'LoggedOut' || snapshot.qrRequired) {
        if (told.ready) events.push(['disconnected', 'LOGOUT']);
        if (!told.ready && snapshot.state === 'LoggedOut' && !told.failed) {
            events.push(['auth_failure', snapshot.message]);
        }
        Object.assign(next, { ready: false, authenticated: false, away: false, failed: snapshot.state === 'LoggedOut' });
    }
    if (snapshot.state === 'Pairing' && snapshot.qrExpiresAt) events.push(['code']);
    if (snapshot.authenticated && !next.authenticated) {
        next.authenticated = true;
        events.push(['authenticated']);
    }
    if (snapshot.connected) {
        if (!next.ready) events.push(['ready']);
        Object.assign(next, { ready: true, away: false, failed: false });
    } else if (over.has(snapshot.state) && snapshot.state !== 'LoggedOut') {
        if (next.ready && !told.away) events.push(['disconnected', next.state]);
        else if (!next.ready && refused.has(snapshot.state) && !told.failed) events.push(['auth_failure', snapshot.message]);
        Object.assign(next, { away: true, failed: told.failed || refused.has(snapshot.state) });
    }
    return { events, told: next };
}

/** Session follows the bot's session. */
class Session {
    constructor({ api, signal, take }) {
        Object.assign(this, { api, signal, take });
        this.told = {};
        this.snapshot = undefined;
    }

    /** run follows the snapshots until the signal is aborted. */
    async run() {
        const backoff = new Backoff();
        while (!this.signal.aborted) {
            let failed;
            try {
                for await (const frame of this.api.stream(path, { signal: this.signal })) {
                    backoff.reset();
                    await this.step(JSON.parse(frame.data));
                }
            } catch (error) {
                if (this.signal.aborted) return;
                failed = error;
                this.say(error);
            }
            await sleep(backoff.next(failed), this.signal);
        }
    }

    async step(snapshot) {
        if (typeof snapshot.state !== 'string') return;
        this.snapshot = snapshot;
        const { events, told } = classifySnapshot(this.told, snapshot);
        this.told = told;
        for (const event of events) await this.take(event, snapshot);
    }

    /** say tells a person why the bot cannot be followed, once for each reason. */
    say(error) {
        const text = isAway(error) && !(error instanceof SesiError) ? `no answer from the bot at ${this.api.url}` : error.message;
        if (text === this.said) return;
        this.said = text;
        console.warn(`sesi-wwebjs: ${text}; it is tried again`);
    }
}

module.exports = { Session, classifySnapshot, waState };
