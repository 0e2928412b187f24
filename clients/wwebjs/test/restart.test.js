'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const { Program, Stage, until, plainEnv } = require('./stage');

const budi = '628111000001';
let stage;

before(async () => {
    stage = await Stage.start();
    await stage.link();
});
after(() => stage.end());

/** echo starts a program of one listener, in a process of its own. */
function echo() {
    const env = { ...plainEnv(), SESI_URL: stage.url, TOLD: stage.file('told') };
    return new Program(process.execPath, [path.join(__dirname, 'programs', 'echo.js')], env, stage.folder);
}

const told = () => (fs.existsSync(stage.file('told')) ? fs.readFileSync(stage.file('told'), 'utf8').trim().split('\n') : []);

/** answers are the distinct messages that reached the phone, in order; a phone shows each id once. */
async function answers() {
    const texts = new Map();
    for (const one of await stage.sent(budi)) if (!texts.has(one.id)) texts.set(one.id, one.text);
    return [...texts.values()];
}

/** atTheEnd waits until the program's place is behind the newest event. */
function atTheEnd() {
    return until('the cursor', async () => {
        const { last } = await stage.api('GET', '/api/events?after=latest');
        return JSON.parse(fs.readFileSync(stage.file('.wwebjs_auth/sesi-wwebjs-default.json'), 'utf8')).position === last;
    });
}

test('each message is answered once, in order, while bot and program are killed', async () => {
    let program = echo();
    await program.find(/ready/);
    const expected = [];
    for (let n = 1; n <= 8; n++) {
        await stage.say(budi, `pesan ${n}`);
        expected.push(`jawab pesan ${n}`);
        if (n % 3 === 1) {
            await program.kill();
            program = echo();
        } else if (n % 3 === 2) {
            await stage.bot.kill();
            await stage.startBot();
        }
    }
    await until('all answers', async () => (await answers()).length >= expected.length);
    await atTheEnd();
    await program.kill();
    assert.deepEqual((await answers()).sort(), expected.sort());
    const heard = told();
    const first = heard.filter((text, i) => heard.indexOf(text) === i);
    assert.deepEqual(first, Array.from({ length: 8 }, (_, i) => `pesan ${i + 1}`));
});

test('what came while the program was away is told when it is back, and nothing is told again', async () => {
    await stage.say(budi, 'sendirian');
    const before = told().length;
    const program = echo();
    await until('the message', () => told().includes('sendirian'));
    await until('the answer', async () => (await answers()).includes('jawab sendirian'));
    await atTheEnd();
    await program.kill();
    const again = echo();
    await again.find(/ready/);
    await stage.say(budi, 'penutup');
    await until('the message', () => told().includes('penutup'));
    assert.deepEqual(told().slice(before), ['sendirian', 'penutup']);
    await atTheEnd();
    await again.kill();
});

test('a message that ends the program does not end it again', async () => {
    const before = told().length;
    const words = ['keluar', 'tutup', 'rusak'];
    for (const word of words) {
        const program = echo();
        await program.find(/ready/);
        await stage.say(budi, word);
        await until('the end of the program', () => program.hasEnded());
    }
    const program = echo();
    await program.find(/ready/);
    await stage.say(budi, 'masih ada');
    await until('the message', () => told().includes('masih ada'));
    assert.deepEqual(told().slice(before), [...words, 'masih ada']);
    await program.kill();
});

test('a bot with a new journal is read from its beginning', async () => {
    const program = echo();
    await program.find(/ready/);
    await stage.bot.kill();
    for (const name of fs.readdirSync(stage.file('auth/session-default'))) {
        if (name.startsWith('messages.db')) fs.rmSync(stage.file(`auth/session-default/${name}`));
    }
    await stage.startBot();
    await stage.connected();
    await stage.say(budi, 'lembar baru');
    await until('the message', () => told().includes('lembar baru'));
    await program.find(/began a new journal/);
    await program.kill();
});
