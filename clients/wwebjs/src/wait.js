'use strict';

const { isAway } = require('./errors');

const firstPause = 200;
const lastPause = 10_000;

/** sleep waits, and ends early without an error when the signal is aborted. */
function sleep(milliseconds, signal) {
    return new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = () => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', done);
            resolve();
        };
        const timer = setTimeout(done, milliseconds);
        signal?.addEventListener('abort', done, { once: true });
    });
}

/** Backoff is a growing pause with jitter between tries. */
class Backoff {
    constructor() {
        this.reset();
    }

    reset() {
        this.pause = firstPause;
    }

    next(error) {
        const pause = this.pause * (0.75 + Math.random() / 2);
        this.pause = Math.min(this.pause * 2, lastPause);
        return Math.max(pause, (error?.retryAfter || 0) * 1000);
    }
}

/** retry repeats while the bot is away, until `milliseconds` have passed or the signal is aborted. */
async function retry(run, milliseconds, signal) {
    const backoff = new Backoff();
    const end = Date.now() + milliseconds;
    for (;;) {
        try {
            return await run();
        } catch (error) {
            if (!isAway(error) || signal?.aborted || Date.now() >= end) throw error;
            await sleep(Math.min(backoff.next(error), Math.max(0, end - Date.now())), signal);
            if (signal?.aborted) throw error;
        }
    }
}

module.exports = { sleep, Backoff, retry };
