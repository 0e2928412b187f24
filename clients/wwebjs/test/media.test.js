'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

require('./seen');
const { MessageMedia } = require('..');

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
