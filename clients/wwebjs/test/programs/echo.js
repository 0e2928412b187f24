'use strict';

// A program as whatsapp-web.js' users write it: it answers each message, and does not wait for the answer's way.

const fs = require('node:fs');

const { Client, LocalAuth } = require('../..');

const client = new Client({ authStrategy: new LocalAuth() });

client.on('ready', () => console.log('ready'));
client.on('message', (msg) => {
    fs.appendFileSync(process.env.TOLD, `${msg.body}\n`);
    msg.reply(`jawab ${msg.body}`);
});
client.initialize();
