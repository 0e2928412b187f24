package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// words are the answers of one language.
type words struct {
	in, out, moneyIn, moneyOut, booked, balance, report, none, undone, nothing, help string
	months                                                                           [12]string
}

var languages = map[string]words{
	"id": {
		in: "masuk", out: "keluar", moneyIn: "Masuk", moneyOut: "Keluar", booked: "Tercatat: %s %s, %s.\nSaldo %s.", balance: "Saldo %s.",
		report: "Laporan %s\n%s %s\n%s %s\nSelisih %s", none: "Belum ada catatan bulan ini.",
		undone: "Dibatalkan: %s %s.\nSaldo %s.", nothing: "Tidak ada yang dapat dibatalkan.",
		help:   "Tulis \"makan 25rb\" atau \"masuk 1,5jt gaji\".\nJuga: saldo, laporan, grafik, batal.",
		months: [12]string{"Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"},
	},
	"en": {
		in: "in", out: "out", moneyIn: "In", moneyOut: "Out", booked: "Booked: %s %s, %s.\nBalance %s.", balance: "Balance %s.",
		report: "Report for %s\n%s %s\n%s %s\nDifference %s", none: "Nothing was booked this month.",
		undone: "Undone: %s %s.\nBalance %s.", nothing: "There is nothing to undo.",
		help:   "Write \"lunch 25000\" or \"income 1.5jt salary\".\nAlso: balance, report, chart, undo.",
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	},
}

// rupiah writes an amount as Indonesians do: Rp1.500.000.
func rupiah(amount int64) string {
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	digits := strconv.FormatInt(amount, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "." + digits[at:]
	}
	return sign + "Rp" + digits
}

func (w words) direction(amount int64) string {
	if amount < 0 {
		return w.out
	}
	return w.in
}

func (w words) onBooking(b booking, balance int64) string {
	return fmt.Sprintf(w.booked, b.what, rupiah(max(b.amount, -b.amount)), w.direction(b.amount), rupiah(balance))
}

func (w words) onUndo(b booking, balance int64) string {
	return fmt.Sprintf(w.undone, b.what, rupiah(max(b.amount, -b.amount)), rupiah(balance))
}

func (w words) monthName(month time.Time) string {
	return w.months[month.Month()-1] + " " + strconv.Itoa(month.Year())
}

// largestLines is how many kinds of spending a report lists.
const largestLines = 5

// onReport writes a month: its sums, and what most was spent on.
func (w words) onReport(month time.Time, in, out int64, spent []booking) string {
	if in == 0 && out == 0 {
		return w.none
	}
	var b strings.Builder
	fmt.Fprintf(&b, w.report, w.monthName(month), w.moneyIn, rupiah(in), w.moneyOut, rupiah(-out), rupiah(in+out))
	for _, one := range spent[:min(len(spent), largestLines)] {
		fmt.Fprintf(&b, "\n- %s %s", one.what, rupiah(-one.amount))
	}
	return b.String()
}
