// Links a Baileys client to the simulator and holds it open until standard input ends, for the bench that
// compares what an idle session costs. Usage as check.mjs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import baileys from '@whiskeysockets/baileys'
import { HttpsProxyAgent } from 'https-proxy-agent'

const control = process.argv[2]
const silent = { level: 'silent', child: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
const dir = await mkdtemp(join(tmpdir(), 'baileys-'))
const { state, saveCreds } = await baileys.useMultiFileAuthState(dir)

const connect = () => {
  const socket = baileys.makeWASocket({
    auth: state, logger: silent, agent: new HttpsProxyAgent(control), version: [2, 3000, 1031080782], shouldSyncHistoryMessage: () => false,
  })
  socket.ev.on('creds.update', saveCreds)
  socket.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) fetch(control + '/scan', { method: 'POST', body: JSON.stringify({ qr, phone: '6285550000001' }) })
    if (connection === 'open') console.log('open')
    if (connection === 'close' && lastDisconnect?.error?.output?.statusCode === baileys.DisconnectReason.restartRequired) connect()
  })
}
connect()
process.stdin.resume()
process.stdin.on('end', async () => { await rm(dir, { recursive: true, force: true }); process.exit(0) })
