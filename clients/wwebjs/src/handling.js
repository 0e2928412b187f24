'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { createHash, randomUUID } = require('node:crypto');

const { NotSupported, isAway } = require('./errors');

/** patience is how long listeners may take before their event counts as handled all the same. */
const patience = 10 * 60_000;

const current = new AsyncLocalStorage();

/**
 * Handling is what happens for one event: its listeners, and the messages that they send. The event is handled when
 * all of that has ended. A send gets a key made of the event and of what is sent, so that a program that is killed and
 * gets the event again sends each message once.
 */
class Handling {
    constructor(program, eventId) {
        this.program = program;
        this.eventId = eventId;
        this.running = new Set();
        this.sends = new Set();
        this.counts = new Map();
        this.cut = false;
        this.failed = false;
    }

    /** current is the handling whose listener runs. */
    static current() {
        return current.getStore();
    }

    /** call runs the listeners of one name, each with the same arguments. */
    call(emitter, name, args) {
        for (const listener of emitter.rawListeners(name)) this.callOne(emitter, name, listener, args);
    }

    callOne(emitter, name, listener, args) {
        let result;
        try {
            result = current.run(this, () => Reflect.apply(listener, emitter, args));
        } catch (error) {
            console.error(`sesi-wwebjs: a listener of ${name} failed:`, error);
            return;
        }
        if (typeof result?.then !== 'function') return;
        const ended = Promise.resolve(result).then(
            () => undefined,
            (error) => {
                if (error instanceof NotSupported) return console.error(`sesi-wwebjs: ${error.message}`);
                this.failed = true;
                Promise.reject(error); // an unhandled rejection, as it would be without this package
            },
        );
        watch(this.running, ended);
    }

    /** settled resolves when the listeners and their sends have ended. */
    async settled() {
        const limit = Date.now() + patience;
        while (this.running.size + this.sends.size > 0) {
            let timer;
            const tooLong = new Promise((resolve) => {
                timer = setTimeout(resolve, Math.max(0, limit - Date.now()));
                timer.unref();
            });
            const waits = [...this.running, ...this.sends];
            if (this.sends.size === 0) waits.push(tooLong);
            await Promise.race(waits);
            clearTimeout(timer);
            if (this.sends.size === 0 && Date.now() >= limit) {
                if (this.running.size > 0) console.warn('sesi-wwebjs: a listener runs for ten minutes; its event counts as handled');
                return;
            }
        }
    }

    key(what) {
        const hash = createHash('sha256').update(what).digest('hex').slice(0, 32);
        const n = (this.counts.get(hash) ?? 0) + 1;
        this.counts.set(hash, n);
        return `wwebjs-${this.program}-${this.eventId}-${hash}-${n}`;
    }
}

function watch(set, promise) {
    set.add(promise);
    promise.finally(() => set.delete(promise));
}

/** newKey is the Idempotency-Key of something that is sent now. */
function newKey(what) {
    return current.getStore()?.key(what) ?? `wwebjs-${randomUUID()}`;
}

/** tracked runs a send; the event that it belongs to is not handled before the send has ended. */
async function tracked(run) {
    const sending = run();
    const handling = current.getStore();
    if (handling) {
        const ended = sending.then(
            () => undefined,
            (error) => {
                handling.cut ||= isAway(error); // the client was destroyed before the bot came back
            },
        );
        watch(handling.sends, ended);
    }
    return sending;
}

/** inEvent reports whether a listener of a stored event runs. */
const inEvent = () => current.getStore() !== undefined;

module.exports = { Handling, newKey, tracked, inEvent };
