'use strict';

/** smallest is the least amount that counts without a unit: "makan 2 orang" books nothing. */
const smallest = 500;
const largest = 1_000_000_000_000;
const longest = 500;

const commands = {
    saldo: 'balance', balance: 'balance', laporan: 'report', report: 'report', batal: 'undo', undo: 'undo', bantuan: 'help', help: 'help',
};

/** signs are first words that say where the money goes; without one it is spent. */
const signs = { masuk: 1, terima: 1, dapat: 1, income: 1, received: 1, keluar: -1, bayar: -1, beli: -1, spent: -1, paid: -1 };
const earned = new Set(['gaji', 'salary']);

/** units stand behind a number, with or without a space. */
const units = { rb: 1e3, ribu: 1e3, k: 1e3, jt: 1e6, juta: 1e6, m: 1e9, miliar: 1e9 };

const known = (table, word) => (Object.hasOwn(table, word) ? table[word] : undefined);

/** parse reads a message as people write it: "makan 25rb", "masuk 1,5jt gaji". It returns undefined for other talk. */
function parse(text) {
    let words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0 || text.length > longest) return undefined;
    const command = known(commands, words[0]);
    if (command) return { want: command };
    let sign = known(signs, words[0]);
    if (sign) words = words.slice(1);
    else sign = earned.has(words[0]) ? 1 : -1;

    let amount = 0;
    const what = [];
    for (let at = 0; at < words.length; at++) {
        const found = amount === 0 ? amountAt(words, at) : undefined;
        if (found) {
            amount = found.value;
            at += found.used - 1;
        } else {
            what.push(words[at]);
        }
    }
    if (amount === 0) return undefined;
    return { want: 'booking', amount: sign * amount, what: what.join(' ') || 'lain-lain' };
}

/** amountAt reads an amount that begins at a word, and says how many words it takes. */
function amountAt(words, at) {
    let used = 1;
    if (/^rp\.?$/.test(words[at]) && at + 1 < words.length) {
        at++;
        used++;
    }
    const found = /^(?:rp)?\.?([\d.,]*\d[\d.,]*)([^\d.,].*)?$/.exec(words[at]);
    if (!found) return undefined;
    let [, digits, unit] = found;
    if (!unit && known(units, words[at + 1])) {
        unit = words[at + 1];
        used++;
    }
    const scale = unit ? known(units, unit) : 1;
    const value = scale && number(digits, scale);
    return value >= smallest && value <= largest ? { value, used } : undefined;
}

/** number reads digits in which dots and commas part thousands, or, before a unit, decimals. */
function number(text, scale) {
    const digits = text.replace(/[.,]+$/, '');
    const at = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
    let whole = digits;
    let fraction = '';
    if (at >= 0) {
        const tail = digits.slice(at + 1);
        if (scale > 1 && tail.length <= 2) {
            whole = digits.slice(0, at);
            fraction = tail;
        } else if (scale === 1 && tail.length === 2) {
            whole = digits.slice(0, at); // 25.000,00
        } else if (scale !== 1 || tail.length !== 3) {
            return undefined;
        }
    }
    const value = Number(whole.replace(/[.,]/g, ''));
    const parts = fraction ? Math.round(Number(`0.${fraction}`) * scale) : 0;
    return Number.isSafeInteger(value) ? value * scale + parts : undefined;
}

module.exports = { parse };
