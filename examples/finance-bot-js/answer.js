'use strict';

const months = ['Januari', 'Februari', 'Maret', 'April', 'Mei', 'Juni', 'Juli', 'Agustus', 'September', 'Oktober', 'November', 'Desember'];

const help = 'Tulis "makan 25rb" atau "masuk 1,5jt gaji".\nJuga: saldo, laporan, batal.';

/** largestLines is how many kinds of spending a report lists. */
const largestLines = 5;

/** rupiah writes an amount as Indonesians do: Rp1.500.000. */
function rupiah(amount) {
    const digits = String(Math.abs(amount)).replace(/\B(?=(\d{3})+$)/g, '.');
    return `${amount < 0 ? '-' : ''}Rp${digits}`;
}

const direction = (amount) => (amount < 0 ? 'keluar' : 'masuk');

const sum = (entries) => entries.reduce((all, entry) => all + entry.amount, 0);

const booked = ({ what, amount }, balance) =>
    `Tercatat: ${what} ${rupiah(Math.abs(amount))}, ${direction(amount)}.\nSaldo ${rupiah(balance)}.`;

const undone = ({ what, amount }, balance) => `Dibatalkan: ${what} ${rupiah(Math.abs(amount))}.\nSaldo ${rupiah(balance)}.`;

/** report writes a month: its sums, and what most was spent on. */
function report(entries, now) {
    const inMonth = (at) => at.getFullYear() === now.getFullYear() && at.getMonth() === now.getMonth();
    const month = entries.filter((entry) => inMonth(new Date(entry.at * 1000)));
    if (month.length === 0) return 'Belum ada catatan bulan ini.';
    const income = sum(month.filter((entry) => entry.amount > 0));
    const spent = new Map();
    for (const { what, amount } of month) if (amount < 0) spent.set(what, (spent.get(what) ?? 0) - amount);
    const out = [...spent.values()].reduce((all, amount) => all + amount, 0);
    const lines = [...spent].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, largestLines);
    return [
        `Laporan ${months[now.getMonth()]} ${now.getFullYear()}`, `Masuk ${rupiah(income)}`, `Keluar ${rupiah(out)}`,
        `Selisih ${rupiah(income - out)}`, ...lines.map(([what, amount]) => `- ${what} ${rupiah(amount)}`),
    ].join('\n');
}

module.exports = { rupiah, sum, booked, undone, report, help, nothing: 'Tidak ada yang dapat dibatalkan.', balance: (amount) => `Saldo ${rupiah(amount)}.` };
