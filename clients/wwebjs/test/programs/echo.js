'use strict';

// A program as whatsapp-web.js' users write it: it answers each message, and does not wait for the answer's way. Some words
// end it.

const fs = require('node:fs');

const { Client, LocalAuth } = require('../..');

const client = new Client({ authStrategy: new LocalAuth() });

client.on('ready', () => console.log('ready'));
client.on('message', async (msg) => {
    fs.appendFileSync(process.env.TOLD, `${msg.body}\n`);
    if (msg.body === 'keluar') process.exit();
    if (msg.body === 'tutup') await client.destroy();
    if (msg.body === 'rusak') throw new Error('rusak');
    msg.reply(`jawab ${msg.body}`);
});
client.initialize();
