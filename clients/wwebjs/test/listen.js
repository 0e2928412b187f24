'use strict';

require('./seen');
const { until } = require('./stage');

/** Heard keeps what a client tells, for the test to look for. */
class Heard {
    constructor(client, ...names) {
        this.all = [];
        for (const name of names) {
            client.on(name, (...args) => {
                this.all.push({ name, args });
            });
        }
    }

    named(name) {
        return this.all.filter((one) => one.name === name).map((one) => one.args);
    }

    /** next waits for an event of a name that fits, and returns its arguments. */
    next(name, fits = () => true) {
        return until(`the event ${name}`, () => this.named(name).find((args) => fits(...args)));
    }
}

/** ready starts a client on a stage, and waits until it is ready. */
async function ready(t, stage, Client, options = {}) {
    const client = new Client({ ...options, sesi: { url: stage.url, cursor: stage.file(`cursor-${Math.random()}.json`), ...options.sesi } });
    t.after(() => client.destroy());
    const heard = new Heard(client, 'ready');
    await client.initialize();
    await heard.next('ready');
    return client;
}

module.exports = { Heard, ready };
