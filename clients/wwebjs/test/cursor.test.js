'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { Cursor } = require('../src/cursor');

function place(t) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sesi-cursor-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    return path.join(folder, 'made', 'cursor.json');
}

test('the cursor moves over what is handled, and remembers what is handled behind it', async (t) => {
    const file = place(t);
    const cursor = new Cursor(file);
    assert.equal(cursor.isNew, true);
    await cursor.moveTo(10);
    for (const seq of [11, 12, 14]) assert.equal(cursor.begin(seq), true);
    assert.equal(cursor.begin(12), false);
    await cursor.finish(12);
    assert.equal(cursor.position, 10);
    await cursor.finish(14);

    const again = new Cursor(file);
    assert.equal(again.program, cursor.program);
    assert.equal(again.position, 10);
    assert.deepEqual([11, 12, 14].map((seq) => again.begin(seq)), [true, false, false]);
    await again.finish(11);
    const last = new Cursor(file);
    assert.deepEqual([11, 12, 14, 15].map((seq) => last.begin(seq)), [false, false, false, true]);
});

test('what is handled in one turn is one file, and nothing is left beside it', async (t) => {
    const file = place(t);
    const cursor = new Cursor(file);
    await cursor.moveTo(0);
    for (let seq = 1; seq <= 500; seq++) cursor.begin(seq);
    const writes = [];
    for (let seq = 500; seq >= 1; seq--) writes.push(cursor.finish(seq));
    await Promise.all(writes);
    assert.deepEqual(fs.readdirSync(path.dirname(file)), ['cursor.json']);
    assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), { version: 1, program: cursor.program, position: 500, done: [] });
    if (process.platform !== 'win32') assert.equal(fs.statSync(file).mode & 0o777, 0o600);
});

test('a file that cannot be written is said once, does not fail, and is written when it can be', async (t) => {
    const file = place(t);
    const said = t.mock.method(console, 'warn', () => undefined).mock;
    const cursor = new Cursor(file);
    fs.writeFileSync(path.dirname(file), 'a file in place of the folder');
    await cursor.moveTo(0);
    for (const seq of [1, 2]) {
        assert.equal(cursor.begin(seq), true);
        await cursor.finish(seq);
    }
    assert.equal(said.callCount(), 1);
    assert.match(said.calls[0].arguments[0], /cannot be written: .*made.*; after a restart/);

    fs.rmSync(path.dirname(file));
    cursor.begin(3);
    await cursor.finish(3);
    assert.equal(new Cursor(file).position, 3);
    assert.match(said.calls[1].arguments[0], /can be written again/);
});

test('a file of something else is not overwritten', (t) => {
    const file = place(t);
    fs.mkdirSync(path.dirname(file));
    for (const text of ['', '{}', '{"version":1,"position":"x","done":[]}', 'not json']) {
        fs.writeFileSync(file, text);
        assert.throws(() => new Cursor(file), /is not a cursor/);
    }
});
