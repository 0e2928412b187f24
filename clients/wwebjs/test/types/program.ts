// A program as TypeScript's users write it; tsc checks it, nothing runs it.
import { Client, GroupChat, LocalAuth, Location, Message, MessageAck, MessageMedia, NotSupported, Poll, WAState } from 'sesi-wwebjs';

const client = new Client({ authStrategy: new LocalAuth({ clientId: 'shop' }), puppeteer: { headless: true }, sesi: { url: 'http://127.0.0.1:3000' } });

client.on('qr', (qr) => console.log(qr.length));
client.on('disconnected', (reason) => console.log(reason === WAState.CONFLICT, reason));
client.on('message_ack', (msg, ack) => console.log(msg.id._serialized, ack === MessageAck.ACK_READ));
client.on('message', async (msg) => {
    const chat = await msg.getChat();
    if (chat.isGroup) await (chat as GroupChat).setSubject(`${chat.name}!`);
    const sent: Message = await msg.reply(new Poll('Kopi?', ['Ya', 'Tidak']));
    await client.sendMessage(msg.from, new Location(-6.2, 106.8, { name: 'Jakarta' }), { quotedMessageId: sent.id._serialized });
    const media: MessageMedia | undefined = await msg.downloadMedia();
    if (media) await chat.sendMessage(media, { caption: media.filename ?? '' });
    try {
        await chat.pin();
    } catch (error) {
        if (error instanceof NotSupported) console.log(error.reason);
    }
    // @ts-expect-error a message has no such field
    console.log(msg.nothing);
});
void client.initialize();
