'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { Program, Stage, until, plainEnv } = require('../../../clients/wwebjs/test/stage');

const root = path.join(__dirname, '..');
const people = ['628111000001', '628111000002', '628111000003'];
// A month begins in this zone, and none ends while the tests run.
const hour = new Date().getUTCHours();
const zone = 6 <= hour && hour < 18 ? 'UTC' : 'Etc/GMT-12';
let stage;
let modules;

before(async () => {
    stage = await Stage.start();
    await stage.link();
    modules = stage.file('modules'); // as `npm install` would make it
    fs.mkdirSync(modules);
    fs.symlinkSync(path.join(root, '../../clients/wwebjs'), path.join(modules, 'sesi-wwebjs'), 'dir');
});
after(() => stage.end());

async function start() {
    const env = { ...plainEnv(), NODE_PATH: modules, SESI_URL: stage.url, TZ: zone };
    const program = new Program(process.execPath, [path.join(root, 'index.js')], env, stage.folder);
    await program.find(/Siap/);
    return program;
}

/** answers are the distinct messages at a phone, in order; a phone shows each id once. */
async function answers(phone) {
    const texts = new Map();
    for (const one of await stage.sent(phone)) if (one.kind === 'text' && !texts.has(one.id)) texts.set(one.id, one.text);
    return [...texts.values()];
}

const wait = (phone, n) => until(`${n} answers`, async () => {
    const all = await answers(phone);
    return all.length >= n && all;
});

test('a person keeps books', async () => {
    const program = await start();
    const [person] = people;
    const talk = [
        ['masuk 1,5jt gaji', /^Tercatat: gaji Rp1\.500\.000, masuk\.\nSaldo Rp1\.500\.000\.$/],
        ['keluar 25rb kopi', /^Tercatat: kopi Rp25\.000, keluar\.\nSaldo Rp1\.475\.000\.$/],
        ['saldo', /^Saldo Rp1\.475\.000\.$/],
        ['laporan bulan ini', /^Laporan \S+ \d+\nMasuk Rp1\.500\.000\nKeluar Rp25\.000\nSelisih Rp1\.475\.000\n- kopi Rp25\.000$/],
        ['batal', /^Dibatalkan: kopi Rp25\.000\.\nSaldo Rp1\.500\.000\.$/],
        ['bantuan', /^Tulis "makan 25rb"/],
    ];
    for (const [i, [said, want]] of talk.entries()) {
        await stage.say(person, said);
        assert.match((await wait(person, i + 1))[i], want);
    }
    await stage.say(person, 'apa kabar?');
    await stage.say(person, 'saldo');
    assert.equal((await wait(person, talk.length + 1)).length, talk.length + 1);
    await program.kill();
});

test('kill -9 of the bot and of the program loses nothing and books nothing twice', async () => {
    const each = 8;
    let program = await start();
    for (let n = 1; n <= each; n++) {
        for (const person of people.slice(1)) await stage.say(person, `keluar ${n}rb barang${n}`);
        if (n % 3 === 0) {
            await stage.bot.kill();
            await stage.startBot();
        }
        if (n % 2 === 0) {
            await program.kill();
            program = await start();
        }
    }
    for (const person of people.slice(1)) {
        const booked = (await wait(person, each)).map((text) => /^Tercatat: (\S+)/.exec(text)?.[1]);
        assert.deepEqual(booked.sort(), Array.from({ length: each }, (_, i) => `barang${i + 1}`).sort());
        await stage.say(person, 'saldo');
        assert.match((await wait(person, each + 1)).find((text) => text.startsWith('Saldo')), /^Saldo -Rp36\.000\.$/);
        assert.equal((await answers(person)).length, each + 1);
    }
    await program.kill();
});
