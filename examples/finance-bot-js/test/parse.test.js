'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { rupiah, report } = require('../answer');
const { Book } = require('../book');
const { parse } = require('../parse');

test('what people write', () => {
    for (const [text, amount, what] of [
        ['makan 25rb', -25_000, 'makan'], ['Makan siang 25 ribu', -25_000, 'makan siang'], ['lunch 25000', -25_000, 'lunch'],
        ['keluar 25rb kopi', -25_000, 'kopi'], ['masuk 1,5jt gaji', 1_500_000, 'gaji'], ['income 1.5jt salary', 1_500_000, 'salary'],
        ['gaji 7 juta', 7_000_000, 'gaji'], ['25k', -25_000, 'lain-lain'], ['kopi Rp25.000', -25_000, 'kopi'],
        ['kopi Rp. 25.000', -25_000, 'kopi'], ['kopi Rp 25.000,00', -25_000, 'kopi'], ['beli 2 kopi 30rb', -30_000, '2 kopi'],
        ['motor 1.250.000', -1_250_000, 'motor'], ['12,34jt mobil', -12_340_000, 'mobil'],
    ]) {
        assert.deepEqual(parse(text), { want: 'booking', amount, what }, text);
    }
    for (const text of ['makan 2 orang', 'halo', '', '   ', 'rp', 'jam 25xx', '1,2345jt', '99999999999999999999rb', 'constructor', 'toString 5000x']) {
        assert.equal(parse(text), undefined, text);
    }
    for (const [text, want] of [['saldo', 'balance'], ['laporan bulan ini', 'report'], ['Batal', 'undo'], ['help', 'help']]) {
        assert.deepEqual(parse(text), { want });
    }
});

test('answers', () => {
    assert.deepEqual([0, -999, 1_500_000].map(rupiah), ['Rp0', '-Rp999', 'Rp1.500.000']);
    const now = new Date(2026, 2, 5, 12);
    const at = now.getTime() / 1000;
    assert.equal(report([], now), 'Belum ada catatan bulan ini.');
    assert.equal(report([{ amount: 5000, what: 'x', at }, { amount: -2000, what: 'es', at }, { amount: -1, what: 'lama', at: at - 40 * 86_400 }], now),
        'Laporan Maret 2026\nMasuk Rp5.000\nKeluar Rp2.000\nSelisih Rp3.000\n- es Rp2.000');
});

test('books survive a kill in the middle of a line', (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'finance-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'books');
    const message = { id: 'a', chat: 'c', at: 1 };
    const first = new Book(file).take(message, parse('kopi 25rb'));
    fs.appendFileSync(file, '{"id":"b","chat":"c","entry":{"amou');
    const book = new Book(file);
    assert.equal(book.take(message, parse('kopi 25rb')), first);
    assert.equal(book.take({ ...message, id: 'b' }, parse('teh 5rb')), 'Tercatat: teh Rp5.000, keluar.\nSaldo -Rp30.000.');
    assert.equal(new Book(file).entries('c').length, 2);
});
