// A Baileys client that a test drives: it prints a JSON line for every message that it reads, and sends what it is told
// on standard input, {"to","text"} a line. Usage: node talk.mjs CONTROL PHONE, with NODE_EXTRA_CA_CERTS.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import baileys from '@whiskeysockets/baileys'
import { HttpsProxyAgent } from 'https-proxy-agent'

const [control, phone] = process.argv.slice(2)
const silent = { level: 'silent', child: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
const print = line => process.stdout.write(JSON.stringify(line) + '\n')
const dir = await mkdtemp(join(tmpdir(), 'baileys-'))
const { state, saveCreds } = await baileys.useMultiFileAuthState(dir)
let socket

const connect = () => {
  socket = baileys.makeWASocket({
    auth: state, logger: silent, agent: new HttpsProxyAgent(control), version: [2, 3000, 1031080782], shouldSyncHistoryMessage: () => false,
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
    for (const { key, message } of messages) {
      const text = message?.conversation ?? message?.extendedTextMessage?.text
      if (text !== undefined && text !== null) {
        print({ event: 'message', id: key.id, chat: key.remoteJid, sender: key.participant ?? key.remoteJid, fromMe: Boolean(key.fromMe), text })
      }
    }
  })
}
connect()
// Without a phone's app state keys Baileys holds its events back; the simulator's phones have none.
setInterval(() => socket.ev.flush(true), 50)
const input = createInterface({ input: process.stdin })
input.on('line', async line => {
  const { to, text } = JSON.parse(line)
  try {
    print({ event: 'sent', id: (await socket.sendMessage(to, { text })).key.id })
  } catch (error) {
    print({ event: 'failed', error: String(error) })
  }
})
input.on('close', async () => { await rm(dir, { recursive: true, force: true }); process.exit(0) })
