// A Baileys client that a test drives: it prints a JSON line for every message that it reads, and sends what it is told
// on standard input, {"to","text"}, {"to","kind","data","caption"} (a file, in base64) or {"to","content"} (as Baileys takes
// it) a line. Of a file it prints the kind, the caption and the content, of a pin the message and for how long, of an
// appointment its name. Usage: node talk.mjs CONTROL PHONE [FLUSH_MS], with NODE_EXTRA_CA_CERTS.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import baileys from '@whiskeysockets/baileys'
import { HttpsProxyAgent } from 'https-proxy-agent'

const [control, phone, flush] = process.argv.slice(2)
const silent = { level: 'silent', child: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
const print = line => process.stdout.write(JSON.stringify(line) + '\n')
const dir = await mkdtemp(join(tmpdir(), 'baileys-'))
const { state, saveCreds } = await baileys.useMultiFileAuthState(dir)
const agent = new HttpsProxyAgent(control)
const options = { httpsAgent: agent, proxy: false }
let socket

// load reads the file of a message; one that the media host no longer has, its phone puts there again.
const load = async message => {
  const media = baileys.extractMessageContent(message.message)
  const kind = ['image', 'video', 'audio', 'document', 'sticker'].find(one => media?.[one + 'Message'])
  if (!kind) return
  const how = { logger: silent, reuploadRequest: socket.updateMediaMessage }
  try {
    const content = await baileys.downloadMediaMessage(message, 'buffer', { options }, how)
    print({ event: 'file', id: message.key.id, kind, text: media[kind + 'Message'].caption ?? '', data: content.toString('base64') })
  } catch (error) {
    print({ event: 'failed', error: String(error) })
  }
}

const connect = () => {
  socket = baileys.makeWASocket({
    auth: state, logger: silent, agent, fetchAgent: agent, options, version: [2, 3000, 1031080782], shouldSyncHistoryMessage: () => false,
  })
  socket.ev.on('creds.update', saveCreds)
  socket.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) fetch(control + '/scan', { method: 'POST', body: JSON.stringify({ qr, phone }) })
    if (connection === 'open') print({ event: 'open' })
    if (connection !== 'close') return
    if (lastDisconnect?.error?.output?.statusCode === baileys.DisconnectReason.restartRequired) connect()
    else print({ event: 'close', error: String(lastDisconnect?.error) })
  })
  socket.ev.on('messages.upsert', ({ messages }) => {
    for (const whole of messages) {
      const { key, message } = whole
      const { pinInChatMessage: pin, eventMessage: appointment } = message ?? {}
      if (pin) {
        const seconds = message.messageContextInfo?.messageAddOnDurationInSecs ?? 0
        print({ event: 'pin', id: pin.key.id, kind: pin.type === 1 ? 'pin' : 'unpin', text: String(seconds) })
      }
      if (appointment) print({ event: 'appointment', id: key.id, text: appointment.name })
      if (!key.fromMe) load(whole)
      const text = message?.conversation ?? message?.extendedTextMessage?.text
      if (text !== undefined && text !== null) {
        print({ event: 'message', id: key.id, chat: key.remoteJid, sender: key.participant ?? key.remoteJid, fromMe: Boolean(key.fromMe), text })
      }
    }
  })
}
connect()
// Without a phone's app state keys Baileys holds its events back; the simulator's phones have none.
setInterval(() => socket.ev.flush(true), Number(flush ?? 50))
const input = createInterface({ input: process.stdin })
input.on('line', async line => {
  const { to, text, kind, data, content: given, ...more } = JSON.parse(line)
  try {
    const content = given ?? (kind ? { [kind]: Buffer.from(data, 'base64'), ...more } : { text })
    print({ event: 'sent', id: (await socket.sendMessage(to, content)).key.id })
  } catch (error) {
    print({ event: 'failed', error: String(error) })
  }
})
input.on('close', async () => { await rm(dir, { recursive: true, force: true }); process.exit(0) })
