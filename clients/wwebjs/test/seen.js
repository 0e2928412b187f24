'use strict';

// seen notes which methods of the package worked in the tests, and which events came. `node test/seen.js` compares that
// with the page, after all tests: what the page promises must have been seen. SESI_SEEN is the folder of the notes.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');

const folder = process.env.SESI_SEEN;
const seen = new Set();

/** page reads the rows `NAME` | TEXT of the page's tables. */
function page() {
    const text = fs.readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8');
    return [...text.matchAll(/^\| (`.+?`) \| (.*) \|$/gm)].flatMap((row) => [...row[1].matchAll(/`([\w.]+)`/g)].map((name) => [name[1], row[2]]));
}

function watch(owner, name, what) {
    const method = owner[name];
    if (typeof method !== 'function') return;
    owner[name] = function watched(...args) {
        const result = Reflect.apply(method, this, args);
        if (typeof result?.then === 'function') result.then(() => seen.add(what), () => undefined);
        else seen.add(what);
        return result;
    };
}

function watchAll() {
    const sesi = require('..');
    const structures = { Label: require('../src/structures/label') };
    const { methods } = require('./fixture/names-1.34.json');
    for (const [made, names] of Object.entries(methods)) {
        for (const one of names) {
            const name = one.replace('static ', '');
            const kind = sesi[made] ?? structures[made];
            if (kind) watch(one === name ? kind.prototype : kind, name, `${made}.${name}`);
        }
    }
    const { on } = sesi.Client.prototype;
    sesi.Client.prototype.on = function watched(name, listener) {
        return Reflect.apply(on, this, [name, (...args) => {
            seen.add(name);
            return listener(...args);
        }]);
    };
    process.on('exit', () => fs.writeFileSync(path.join(folder, `${process.pid}.json`), JSON.stringify([...seen])));
}

function check() {
    const all = new Set(fs.readdirSync(folder).flatMap((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'))));
    const promised = page().filter(([, text]) => !/^(NotSupported|never|as )/.test(text));
    assert.deepEqual(promised.map(([name]) => name).filter((name) => !all.has(name)), [], 'the page promises what no test has seen');
}

if (require.main === module) check();
else if (folder) watchAll();
