'use strict';

const { randomBytes } = require('node:crypto');

const newId = () => randomBytes(3).toString('hex');

/** numbered writes options as lines of text. */
const numbered = (rows) => rows.map((row, i) => `${i + 1}. ${row.title}${row.description ? ` - ${row.description}` : ''}`);

const joined = (...parts) => parts.filter(Boolean).join('\n\n');

/** List is a menu. WhatsApp no longer shows menus of such accounts, so it goes as text with numbers. */
class List {
    constructor(body, buttonText, sections, title, footer) {
        this.description = body;
        this.buttonText = buttonText;
        this.title = title;
        this.footer = footer;
        if (!sections.length) throw new TypeError('List: sections is empty');
        if (sections.length > 1 && sections.filter((s) => s.title === undefined).length > 1) {
            throw new TypeError('List: only one section may be without a title');
        }
        this.sections = sections.map(listSection);
    }

    toText() {
        let n = 0;
        const sections = this.sections.map(({ title, rows }) => {
            const lines = numbered(rows).map((line) => line.replace(/^\d+/, () => String(++n)));
            return (title ? [`*${title}*`, ...lines] : lines).join('\n');
        });
        return joined(this.title && `*${this.title}*`, this.description, ...sections, this.footer && `_${this.footer}_`);
    }
}

function listSection({ title, rows = [] }) {
    if (!rows.length) throw new TypeError('List: a section has no rows');
    return {
        title,
        rows: rows.map((row) => {
            if (!row.title) throw new TypeError('List: a row has no title');
            return { rowId: row.id ?? newId(), title: row.title, description: row.description ?? '' };
        }),
    };
}

/** Buttons are up to three choices. WhatsApp no longer shows them, so they go as text with numbers. */
class Buttons {
    constructor(body, buttons, title, footer) {
        this.body = body;
        this.type = typeof body === 'string' ? 'chat' : 'media';
        this.title = this.type === 'chat' ? title : '';
        this.footer = footer;
        this.buttons = buttons.slice(0, 3).map((button) => ({
            buttonId: button.id ? String(button.id) : newId(),
            buttonText: { displayText: button.body },
            type: 1,
        }));
        if (!this.buttons.length) throw new TypeError('Buttons: buttons is empty');
    }

    toText() {
        const rows = numbered(this.buttons.map((button) => ({ title: button.buttonText.displayText }))).join('\n');
        return joined(this.title && `*${this.title}*`, this.type === 'chat' && this.body, rows, this.footer && `_${this.footer}_`);
    }
}

module.exports = { List, Buttons };
