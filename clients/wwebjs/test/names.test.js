'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const names = require('./fixture/names-1.34.json');
const sesi = require('..');
const { all } = require('../src/not-supported');

/** structures are classes that whatsapp-web.js does not export either. */
const structures = { Label: require('../src/structures/label') };

const readme = fs.readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8');
const rows = new Map([...readme.matchAll(/^\| `(\w+\.\w+)` \| (.+) \|$/gm)].map((row) => [row[1], row[2]]));

/** neverMade are structures of which the bot has nothing; the page says so. */
const neverMade = new Set(['Product']);

test('every export and every event of whatsapp-web.js 1.34 is here or in the page', () => {
    for (const name of names.exports) assert.ok(name in sesi, name);
    for (const name of names.events) assert.ok(readme.includes(`\`${name}\``), name);
});

test('every method of whatsapp-web.js 1.34 is in a class, and in the page as it is', async () => {
    for (const [made, methods] of Object.entries(names.methods)) {
        for (const method of methods) {
            const [name] = method.split(' ').reverse();
            const what = `${made}.${name}`;
            if (made === 'AuthStrategy') {
                assert.equal(typeof sesi.LocalAuth.prototype[name], 'function', what);
                continue;
            }
            assert.ok(rows.has(what), `${what} is not in the page`);
            if (neverMade.has(made)) {
                assert.match(rows.get(what), /^never made: /);
                continue;
            }
            const kind = sesi[made] ?? structures[made];
            const owner = method.startsWith('static ') ? kind : kind.prototype;
            assert.equal(typeof owner[name], 'function', what);
            await agrees(what, all[made]?.[name], rows.get(what), owner[name]);
        }
    }
});

/** agrees compares the page with what the method does. */
async function agrees(what, reason, row, method) {
    if (what === 'ClientInfo.getBatteryStatus') reason = 'WhatsApp no longer tells linked devices about the battery';
    if (!reason) {
        assert.match(row, /^(the same|differs: .+)$/, what);
        return;
    }
    assert.equal(row, `NotSupported: ${reason}`);
    await assert.rejects(async () => method.call({}), (error) => error instanceof sesi.NotSupported && error.message.includes(what));
}

test('the page has no method that is not there, and no reason is left over', () => {
    const known = new Set(Object.entries(names.methods).flatMap(([made, methods]) => methods.map((one) => `${made}.${one.replace('static ', '')}`)));
    for (const what of rows.keys()) assert.ok(known.has(what), what);
    for (const [made, reasons] of Object.entries(all)) for (const name of Object.keys(reasons)) assert.ok(known.has(`${made}.${name}`), name);
});
