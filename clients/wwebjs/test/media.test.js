'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { Client, MessageMedia } = require('..');
const { Heard, ready } = require('./listen');
const { Stage } = require('./stage');

const budi = '628111000001';
const budiId = `${budi}@c.us`;

test('media from a file and from an address', async (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sesi-media-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'nota.pdf');
    fs.writeFileSync(file, 'isi');
    assert.deepEqual({ ...MessageMedia.fromFilePath(file) }, { mimetype: 'application/pdf', data: 'aXNp', filename: 'nota.pdf', filesize: undefined });

    const server = http.createServer((request, response) => {
        if (request.url === '/none.png') return response.writeHead(404).end();
        response.writeHead(200, { 'Content-Type': 'image/png; charset=x', 'Content-Disposition': 'attachment; filename="kopi.png"' }).end('gambar');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const base = `http://127.0.0.1:${server.address().port}`;
    const media = await MessageMedia.fromUrl(`${base}/a.jpg`, { filename: 'b.jpg' });
    assert.deepEqual({ ...media }, { mimetype: 'image/jpeg', data: 'Z2FtYmFy', filename: 'b.jpg', filesize: 6 });
    assert.deepEqual({ ...await MessageMedia.fromUrl(`${base}/x`, { unsafeMime: true }) }, { mimetype: 'image/png', data: 'Z2FtYmFy', filename: 'kopi.png', filesize: 6 });
    await assert.rejects(MessageMedia.fromUrl(`${base}/x`), /unsafeMime/);
    await assert.rejects(MessageMedia.fromUrl(`${base}/none.png`), /404/);
});

/** webp is a WebP of one pixel. */
const webp = 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA';
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

test('files are sent, and come', async (t) => {
    const stage = await Stage.start();
    t.after(() => stage.end());
    await stage.link();
    const client = await ready(t, stage, Client);
    const heard = new Heard(client, 'message');
    const photo = await client.sendMessage(budiId, new MessageMedia('image/png', png), { caption: 'foto' });
    assert.deepEqual([photo.type, photo.hasMedia, photo.body], ['image', true, 'foto']);
    const file = async (sent) => (await stage.outbox('the file', (one) => one.id === sent.id.id)).file;
    assert.equal((await file(photo)).kind, 'image');
    const paper = await client.sendMessage(budiId, 'nota', { media: new MessageMedia('application/pdf', 'aXNp', 'nota.pdf') });
    assert.deepEqual([paper.type, (await file(paper)).filename, (await paper.downloadMedia()).data], ['document', 'nota.pdf', 'aXNp']);
    const raw = await client.sendMessage(budiId, new MessageMedia('image/png', png, 'asli.png'), { sendMediaAsDocument: true });
    assert.deepEqual([raw.type, (await file(raw)).size], ['document', Buffer.from(png, 'base64').length]);
    const sticker = await client.sendMessage(budiId, new MessageMedia('image/webp', webp), { sendMediaAsSticker: true });
    assert.equal(sticker.type, 'sticker');
    const once = await client.sendMessage(budiId, new MessageMedia('image/png', png), { isViewOnce: true });
    assert.deepEqual([once.isViewOnce, (await file(once)).viewOnce], [true, true]);

    await stage.say(budi, undefined, { media: { kind: 'document', data: 'aXNp', mimetype: 'application/pdf', filename: 'dari-budi.pdf', caption: 'ini' } });
    const [msg] = await heard.next('message', (one) => one.type === 'document');
    assert.deepEqual([msg.hasMedia, msg.body], [true, 'ini']);
    const media = await msg.downloadMedia();
    assert.deepEqual([media.mimetype, media.data, media.filename, media.filesize], ['application/pdf', 'aXNp', 'dari-budi.pdf', 3]);
    await stage.say(budi, undefined, { media: { kind: 'voice', seconds: 7 } });
    const [voice] = await heard.next('message', (one) => one.type === 'ptt');
    assert.deepEqual([voice.hasMedia, voice.duration], [true, '7']);
    const echo = await msg.reply(media);
    assert.deepEqual([echo.type, echo.hasQuotedMsg, (await (await echo.getQuotedMessage()).downloadMedia()).data], ['document', true, 'aXNp']);
});
