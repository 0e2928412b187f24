'use strict';

const fs = require('node:fs');
const path = require('node:path');

const mime = require('mime-types');

/** MessageMedia is a file with its bytes in base64. */
class MessageMedia {
    constructor(mimetype, data, filename, filesize) {
        this.mimetype = mimetype;
        this.data = data;
        this.filename = filename;
        this.filesize = filesize;
    }

    static fromFilePath(filePath) {
        const data = fs.readFileSync(filePath, { encoding: 'base64' });
        return new MessageMedia(mime.lookup(filePath) || null, data, path.basename(filePath));
    }

    static async fromUrl(url, options = {}) {
        const address = new URL(url);
        const guess = mime.lookup(address.pathname) || null;
        if (!guess && !options.unsafeMime) {
            throw new Error('the address does not tell the MIME type; set unsafeMime to true to take what the server says');
        }
        const headers = { accept: 'image/* video/* text/* audio/*', ...options.reqOptions?.headers };
        const response = await fetch(address, { ...options.reqOptions, headers });
        if (!response.ok) throw new Error(`${address.origin} answered ${response.status}`);
        const bytes = Buffer.from(await response.arrayBuffer());
        const named = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1];
        const filename = options.filename || named || address.pathname.split('/').pop() || 'file';
        const said = (response.headers.get('Content-Type') ?? '').split(';')[0].trim();
        return new MessageMedia(guess || said || 'application/octet-stream', bytes.toString('base64'), filename, bytes.length);
    }
}

module.exports = MessageMedia;
