'use strict';

const fs = require('node:fs');

const answers = require('./answer');

/**
 * Book is an append-only file: one line for each message that was handled, with what it booked and what is answered. The
 * line is on the disk before the answer goes. A message that is known gets its answer again and books nothing.
 */
class Book {
    constructor(file) {
        this.handled = new Map();
        this.chats = new Map();
        this.handle = fs.openSync(file, 'a+', 0o600);
        const text = fs.readFileSync(this.handle, 'utf8');
        const whole = text.lastIndexOf('\n') + 1;
        if (whole < text.length) fs.ftruncateSync(this.handle, Buffer.byteLength(text.slice(0, whole))); // a kill cut the last line off
        for (const line of text.slice(0, whole).split('\n').filter(Boolean)) this.apply(JSON.parse(line));
    }

    entries(chat) {
        return this.chats.get(chat) ?? [];
    }

    /** take does what a message asks for, and returns the answer. */
    take({ id, chat, at }, asked) {
        const known = this.handled.get(id);
        if (known !== undefined) return known;
        const line = { id, chat, at, ...this.decide(chat, at, asked) };
        fs.writeSync(this.handle, `${JSON.stringify(line)}\n`);
        fs.fsyncSync(this.handle);
        this.apply(line);
        return line.answer;
    }

    /** decide says what is booked and what is answered. It changes nothing. */
    decide(chat, at, asked) {
        const entries = this.entries(chat);
        const balance = answers.sum(entries);
        switch (asked.want) {
            case 'booking': {
                const entry = { amount: asked.amount, what: asked.what };
                return { entry, answer: answers.booked(entry, balance + asked.amount) };
            }
            case 'undo': {
                const last = entries.at(-1);
                if (!last) return { answer: answers.nothing };
                return { undo: true, answer: answers.undone(last, balance - last.amount) };
            }
            case 'balance':
                return { answer: answers.balance(balance) };
            case 'report':
                return { answer: answers.report(entries, new Date(at * 1000)) };
            default:
                return { answer: answers.help };
        }
    }

    apply({ id, chat, at, entry, undo, answer }) {
        this.handled.set(id, answer);
        const entries = this.entries(chat);
        if (entry) entries.push({ ...entry, at });
        if (undo) entries.pop();
        this.chats.set(chat, entries);
    }
}

module.exports = { Book };
