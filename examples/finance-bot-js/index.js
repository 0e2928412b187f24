'use strict';

const { Client, LocalAuth } = require('sesi-wwebjs'); // was: require('whatsapp-web.js')

const { Book } = require('./book');
const { parse } = require('./parse');

const book = new Book(process.env.BOOKS || 'finance.jsonl');
const client = new Client({ authStrategy: new LocalAuth() });

client.on('qr', () => console.log('Pindai kode QR di halaman /qr bot.'));
client.on('ready', () => console.log('Siap.'));
client.on('disconnected', (reason) => console.log('Terputus:', reason));

client.on('message', async (msg) => {
    if (msg.type !== 'chat' || msg.author) return; // groups are left alone
    const asked = parse(msg.body);
    if (!asked) return;
    const answer = book.take({ id: msg.id._serialized, chat: msg.from, at: msg.timestamp }, asked);
    await client.sendMessage(msg.from, answer);
});

client.initialize();
