'use strict';

// stage starts what the tests need: a simulated WhatsApp and a real bot, as processes of their own.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const patience = 120_000;

/** programs is the folder of the programs bot and wasim, built with the tag simulator. */
const programs = process.env.SESI_PROGRAMS;
assert.ok(programs, 'SESI_PROGRAMS: want the folder of the programs bot and wasim; `make test-wwebjs` sets it');

/** until waits for a value that is neither undefined, null nor false. */
async function until(what, ask) {
    const end = Date.now() + patience;
    let failed;
    while (Date.now() < end) {
        try {
            const value = await ask();
            if (value !== undefined && value !== null && value !== false) return value;
        } catch (error) {
            failed = error;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`waited too long for ${what}`, { cause: failed });
}

/** vacantPort is a port for a program that is started again: one that asks for any port gets none of these. */
async function vacantPort() {
    for (;;) {
        const port = 20_000 + Math.floor(Math.random() * 10_000);
        const server = net.createServer().listen(port, '127.0.0.1');
        try {
            await once(server, 'listening');
        } catch {
            continue; // something listens on it
        }
        server.close();
        await once(server, 'close');
        return String(port);
    }
}

/** started are all programs. */
const started = [];

/** Program is a process that ends with the stage. */
class Program {
    constructor(command, args, env, cwd) {
        this.text = '';
        this.process = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
        for (const stream of [this.process.stdout, this.process.stderr]) {
            stream.setEncoding('utf8');
            stream.on('data', (data) => {
                this.text += data;
            });
        }
        this.ended = once(this.process, 'exit');
        started.push(this);
    }

    async kill(signal = 'SIGKILL') {
        if (!this.hasEnded()) this.process.kill(signal);
        await this.ended;
    }

    hasEnded() {
        return this.process.exitCode !== null || this.process.signalCode !== null;
    }

    /** find waits for a match in what the program writes. */
    find(pattern) {
        return until(`${pattern} in: ${this.text}`, () => {
            if (this.hasEnded()) throw new Error(`it ended: ${this.text}`);
            return pattern.exec(this.text);
        });
    }
}

const plainEnv = () => ({ PATH: process.env.PATH, HOME: process.env.HOME });

/** Stage is a simulated WhatsApp with one bot. */
class Stage {
    static async start() {
        const stage = new Stage();
        stage.folder = await fs.promises.mkdtemp(path.join(os.tmpdir(), 'sesi-wwebjs-'));
        stage.file = (name) => path.join(stage.folder, name);
        stage.wasim = new Program(path.join(programs, 'wasim'),
            ['-addr', '127.0.0.1:0', '-control', '127.0.0.1:0', '-dir', stage.file('keys'), '-state', stage.file('state')], plainEnv(), stage.folder);
        const ready = await stage.wasim.find(/control=(\S+) ca=(\S+) noise_root=(\S+)/);
        stage.control = ready[1];
        stage.env = {
            ...plainEnv(), HTTPS_PROXY: ready[1], SSL_CERT_FILE: ready[2], WHATSAPP_NOISE_ROOT: ready[3], AUTH_PATH: stage.file('auth'),
            WEB_VERSION_CACHE_PATH: stage.file('cache'), METRICS_PORT: '0', LOG_FORMAT: 'json', LOCALE: 'en',
            MEDIA_ALLOW: '127.0.0.0/8',
        };
        await stage.startBot(await vacantPort());
        return stage;
    }

    async startBot(port = new URL(this.url).port) {
        this.bot = new Program(path.join(programs, 'bot'), [], { ...this.env, PORT: port }, this.folder);
        const listening = await this.bot.find(/"msg":"listening",.*?"plain":"([^"]+)"/);
        this.url = `http://${listening[1]}`;
    }

    /** another is a bot of another phone, linked; it ends with the stage. */
    async another(phone) {
        const bot = Object.create(this, { env: { value: { ...this.env, AUTH_PATH: this.file(`auth-${phone}`) } } });
        await bot.startBot(await vacantPort());
        await bot.link(phone);
        return bot;
    }

    /** end ends every program, also those of a test that failed: Node waits for them. */
    async end() {
        for (const program of started) await program.kill();
        await fs.promises.rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
    }

    async ask(method, where, body) {
        const response = await fetch(this.control + where, { method, body: body && JSON.stringify(body) });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${text}`);
        return text ? JSON.parse(text) : undefined;
    }

    async api(method, where, body) {
        const response = await fetch(this.url + where, {
            method, body: body && JSON.stringify(body), headers: body ? { 'Content-Type': 'application/json' } : {},
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${text}`);
        return text ? JSON.parse(text) : undefined;
    }

    scan(qr, phone = shop) {
        return this.ask('POST', '/scan', { qr, phone });
    }

    /** link scans the bot's code and waits until it is connected. */
    async link(phone = shop) {
        const { code } = await until('a code', () => this.api('GET', '/api/session/qr'));
        await this.scan(code, phone);
        await this.connected();
    }

    connected() {
        return until('a connected bot', async () => (await this.api('GET', '/api/session/status')).connected);
    }

    /** say lets a person write; `more` are fields of the simulator's POST /say. */
    async say(from, text, more = {}) {
        return this.ask('POST', '/say', { jid: shop, from, ...(text === undefined ? {} : { text }), ...more });
    }

    vote(from, poll, ...options) {
        return this.ask('POST', '/vote', { jid: shop, from, poll, options });
    }

    /** outbox waits for a message that came to a phone. */
    outbox(what, match) {
        return until(what, async () => (await this.ask('GET', '/outbox?since=0&wait=0')).find((one) => !one.self && match(one)));
    }

    async sent(phone) {
        const all = await this.ask('GET', '/outbox?since=0&wait=0');
        return all.filter((one) => !one.self && one.phone === phone);
    }
}

const shop = '628123456789';

module.exports = { Stage, Program, until, shop, plainEnv };
