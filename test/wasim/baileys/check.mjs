// Checks the simulator with Baileys, a client that shares no code with whatsmeow: it pairs, logs in again, reads
// an encrypted message and answers it. Usage:
//
//   npm install --ignore-scripts
//   NODE_EXTRA_CA_CERTS=wasim-data/ca.pem node check.mjs http://127.0.0.1:7080
//
// (The overrides in package.json replace two dependencies that are not packages.)
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import baileys from '@whiskeysockets/baileys'
import { HttpsProxyAgent } from 'https-proxy-agent'

const control = process.argv[2] ?? 'http://127.0.0.1:7080'
const phone = '6281' + Date.now().toString().slice(-9)
const contact = '4915112345678'
const patience = 60_000

const silent = { level: 'silent', child: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} }

const call = async (method, path, body) => {
  const response = await fetch(control + path, { method, body: body && JSON.stringify(body) })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${method} ${path}: ${answer.error}`)
  return answer
}

// connect resolves with an open socket; along the way it scans the code and follows stream error 515.
const connect = (auth, save) => new Promise((resolve, reject) => {
  const socket = baileys.makeWASocket({
    auth, logger: silent, agent: new HttpsProxyAgent(control), version: [2, 3000, 1031080782], shouldSyncHistoryMessage: () => false,
  })
  socket.ev.on('creds.update', save)
  socket.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    const code = lastDisconnect?.error?.output?.statusCode
    if (qr) call('POST', '/scan', { qr, phone }).then(({ jid }) => console.log('paired as', jid), reject)
    if (connection === 'open') resolve(socket)
    if (connection !== 'close') return
    if (code === baileys.DisconnectReason.restartRequired) connect(auth, save).then(resolve, reject)
    else reject(lastDisconnect.error)
  })
})

const deadline = setTimeout(() => { console.error('not done in time'); process.exit(1) }, patience)
const dir = await mkdtemp(join(tmpdir(), 'baileys-'))
// Baileys drops what comes within a millisecond of its handshake, as no server far away ever does.
await call('POST', '/fault', { kind: 'slow_login', ms: 50 })
try {
  const { state, saveCreds } = await baileys.useMultiFileAuthState(dir)
  const first = await connect(state, saveCreds)
  await first.end(undefined)
  const socket = await connect(state, saveCreds)
  console.log('logged in again')
  // Without a phone's app state keys Baileys holds its events back; the simulator's phones have none.
  const flush = setInterval(() => socket.ev.flush(true), 100)
  const read = new Promise(resolve => socket.ev.on('messages.upsert', ({ messages: [message] }) => message.key.fromMe || resolve(message)))
  await call('POST', '/say', { jid: phone, from: contact, text: 'hello', name: 'Anna' })
  const message = await read
  console.log('read', JSON.stringify(message.message.conversation), 'of', message.pushName)
  const sent = await socket.sendMessage(message.key.remoteJid, { text: 'hello to you' })
  for (let answer; !answer; await new Promise(next => setTimeout(next, 50))) {
    answer = (await call('GET', '/outbox')).find(out => out.id === sent.key.id && !out.self)
    if (answer?.err) throw new Error(`the phone could not read the answer: ${answer.err}`)
    if (answer) console.log('the phone read', JSON.stringify(answer.text))
  }
  clearInterval(flush)
} finally {
  await call('DELETE', '/fault')
  await rm(dir, { recursive: true, force: true })
  clearTimeout(deadline)
}
process.exit(0)
