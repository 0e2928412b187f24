'use strict';

const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const version = 1;

/**
 * Cursor is the program's place in the bot's journal, in a file. Every event up to `position` is handled; `done` are
 * events behind it that are handled too. The file is replaced as a whole, so a kill leaves the old or the new one.
 */
class Cursor {
    constructor(file) {
        this.file = path.resolve(file);
        this.done = new Set();
        this.open = new Set();
        this.writing = undefined;
        const stored = read(this.file);
        this.position = stored?.position;
        this.program = stored?.program ?? randomUUID();
        for (const seq of stored?.done ?? []) this.done.add(seq);
    }

    /** isNew is true until the program has a place in the journal. */
    get isNew() {
        return this.position === undefined;
    }

    /** moveTo begins at a place, whatever was before it. */
    moveTo(position) {
        this.position = position;
        this.read = position;
        this.done.clear();
        return this.write();
    }

    /** begin reports whether the event is still to be handled. */
    begin(seq) {
        if (seq <= this.position || this.done.has(seq) || this.open.has(seq)) return false;
        this.open.add(seq);
        this.read = Math.max(this.read ?? 0, seq);
        return true;
    }

    /** finish notes that the event is handled, and writes the file. */
    finish(seq) {
        this.open.delete(seq);
        this.done.add(seq);
        const first = Math.min(...this.open, Infinity);
        const reached = first === Infinity ? Math.max(this.read, this.position) : first - 1;
        if (reached > this.position) {
            this.position = reached;
            for (const one of this.done) if (one <= reached) this.done.delete(one);
        }
        return this.write();
    }

    /**
     * write brings the present state to the disk; calls that come while a write runs share the next one. It never fails:
     * without the file a restart gets events again, and the program goes on meanwhile. The next write tries again.
     */
    write() {
        this.dirty = true;
        this.writing ??= this.writeAll().finally(() => {
            this.writing = undefined;
        });
        return this.writing;
    }

    async writeAll() {
        while (this.dirty) {
            await undefined; // what changes in the same turn goes into the same write
            this.dirty = false;
            await replace(this.file, this.text()).then(() => this.say(), (error) => this.say(error));
        }
    }

    /** writeNow finishes what write began, for a process that ends. */
    writeNow() {
        if (!this.writing) return;
        const draft = `${this.file}.end`;
        try {
            fs.mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
            fs.writeFileSync(draft, this.text(), { mode: 0o600, flush: true });
            fs.renameSync(draft, this.file);
        } catch (error) {
            this.say(error);
        }
    }

    text() {
        const state = { version, program: this.program, position: this.position, done: [...this.done].sort((a, b) => a - b) };
        return `${JSON.stringify(state)}\n`;
    }

    /** say tells a person once that the file cannot be written, and once that it can again. */
    say(error) {
        if (Boolean(error) === Boolean(this.failed)) return;
        this.failed = error;
        console.warn(error
            ? `sesi-wwebjs: the program's place cannot be written: ${error.message}; after a restart it gets events again`
            : `sesi-wwebjs: ${this.file} can be written again`);
    }
}

function read(file) {
    let text;
    try {
        text = fs.readFileSync(file, 'utf8');
    } catch (error) {
        if (error.code === 'ENOENT') return undefined;
        throw error;
    }
    let stored;
    try {
        stored = JSON.parse(text);
    } catch {
        // told below
    }
    if (stored?.version !== version || !Number.isSafeInteger(stored.position) || !Array.isArray(stored.done)) {
        throw new Error(`${file} is not a cursor of sesi-wwebjs; remove it to begin with the newest event`);
    }
    return stored;
}

/** replace writes the whole file and its name to the disk before it returns. */
async function replace(file, text) {
    const folder = path.dirname(file);
    await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 });
    const draft = `${file}.new`;
    const handle = await fs.promises.open(draft, 'w', 0o600);
    try {
        await handle.writeFile(text);
        await handle.datasync();
    } finally {
        await handle.close();
    }
    await fs.promises.rename(draft, file);
    const parent = await fs.promises.open(folder, 'r');
    try {
        await parent.sync();
    } catch (error) {
        if (error.code !== 'EPERM' && error.code !== 'EISDIR') throw error; // Windows cannot
    } finally {
        await parent.close();
    }
}

module.exports = { Cursor };
