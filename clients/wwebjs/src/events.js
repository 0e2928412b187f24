'use strict';

const { SesiError, isAway } = require('./errors');
const { Handling } = require('./handling');
const { Backoff, retry, sleep } = require('./wait');

const path = '/api/events';

/** window bounds the events whose listeners run at the same time. */
const window = 1000;

/**
 * Events reads the bot's journal behind the cursor and hands out each event, in order. Listeners of later events may
 * run while those of earlier ones still wait for something; the cursor moves only over what is handled.
 */
class Events {
    /** `prepare` turns an event into the calls [name, ...arguments] that listeners get. */
    constructor({ api, cursor, emitter, prepare, signal }) {
        Object.assign(this, { api, cursor, emitter, prepare, signal });
        this.free = undefined;
        this.open = new Map();
    }

    /**
     * leave notes, before the program ends, the events that would end it again: those whose listeners failed, and the one
     * whose listener ends it.
     */
    leave() {
        const ending = Handling.current();
        for (const [seq, handling] of this.open) {
            if (handling !== ending && !handling.failed) continue;
            this.open.delete(seq);
            void this.cursor.finish(seq);
        }
    }

    /** begin makes sure that there is a cursor: at the first start, what comes from now on. `tried` ends with its first try. */
    begin() {
        const backoff = new Backoff();
        const first = this.place().catch((error) => error);
        this.tried = first;
        this.placed = (async () => {
            for (let failed = await first; failed && !this.signal.aborted; failed = await this.place().catch((error) => error)) {
                this.say(failed);
                await sleep(backoff.next(failed), this.signal);
            }
        })();
    }

    async place() {
        if (!this.cursor.isNew) return;
        const page = await this.api.json('GET', path, { query: { after: 'latest', limit: 1 }, signal: this.signal });
        await this.cursor.moveTo(page.next);
    }

    /** run reads until the signal is aborted. */
    async run() {
        await this.placed;
        const backoff = new Backoff();
        while (!this.signal.aborted) {
            let failed;
            try {
                const frames = this.api.stream(path, { query: { after: this.after() }, signal: this.signal });
                for await (const frame of frames) {
                    backoff.reset();
                    await this.take(JSON.parse(frame.data));
                    if (this.signal.aborted) return;
                }
            } catch (error) {
                if (this.signal.aborted) return;
                failed = error;
                await this.refused(error).catch((again) => this.say(again));
            }
            await sleep(backoff.next(failed), this.signal);
        }
    }

    after() {
        return Math.max(this.cursor.position, this.cursor.read ?? 0);
    }

    /** refused handles a cursor that the journal does not have: its events were deleted, or the journal is a new one. */
    async refused(error) {
        if (!(error instanceof SesiError) || error.status !== 410) return;
        const oldest = Number(error.oldestCursor);
        if (oldest < this.after()) {
            console.warn('sesi-wwebjs: the bot began a new journal; it is read from its beginning');
        } else {
            console.warn(`sesi-wwebjs: the bot deleted events ${this.after() + 1} to ${oldest} before this program read them`);
        }
        await this.cursor.moveTo(oldest);
    }

    /** say tells a person what keeps the program from its events, once for each reason. */
    say(error) {
        if (isAway(error) || error.message === this.said) return;
        this.said = error.message;
        console.warn(`sesi-wwebjs: no events: ${error.message}`);
    }

    async take(event) {
        if (!this.cursor.begin(event.seq)) return;
        const handling = new Handling(this.cursor.program, event.id);
        this.open.set(event.seq, handling);
        for (const [name, ...args] of await this.calls(event)) handling.call(this.emitter, name, args);
        if (this.signal.aborted) return; // the next start gets the event again
        void this.handled(event, handling);
        while (this.cursor.open.size >= window && !this.signal.aborted) {
            await new Promise((resolve) => {
                this.free = resolve;
            });
        }
    }

    /** calls waits for the bot where an event needs more than it holds. */
    async calls(event) {
        try {
            return await retry(() => this.prepare(event), Infinity, this.signal);
        } catch (error) {
            if (!this.signal.aborted) console.error(`sesi-wwebjs: an event of type ${event.type} is left out:`, error);
            return [];
        }
    }

    async handled(event, handling) {
        await handling.settled();
        if (!this.open.delete(event.seq) || handling.cut) return; // it is noted, or the next start gets the event again
        const written = this.cursor.finish(event.seq);
        this.free?.();
        await written;
    }
}

module.exports = { Events };
