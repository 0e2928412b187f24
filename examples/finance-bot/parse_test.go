package main

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, c := range map[string]struct {
		want   want
		amount int64
		what   string
	}{
		"makan 25rb":             {wantBooking, -25_000, "makan"},
		"Makan siang 25 ribu":    {wantBooking, -25_000, "makan siang"},
		"lunch 25000":            {wantBooking, -25_000, "lunch"},
		"keluar 25rb kopi":       {wantBooking, -25_000, "kopi"},
		"masuk 1,5jt gaji":       {wantBooking, 1_500_000, "gaji"},
		"income 1.5jt salary":    {wantBooking, 1_500_000, "salary"},
		"gaji 7 juta":            {wantBooking, 7_000_000, "gaji"},
		"25k":                    {wantBooking, -25_000, "lain-lain"},
		"kopi Rp25.000":          {wantBooking, -25_000, "kopi"},
		"kopi Rp. 25.000":        {wantBooking, -25_000, "kopi"},
		"kopi Rp 25.000,00":      {wantBooking, -25_000, "kopi"},
		"beli 2 kopi 30rb":       {wantBooking, -30_000, "2 kopi"},
		"motor 1.250.000":        {wantBooking, -1_250_000, "motor"},
		"12,34jt mobil":          {wantBooking, -12_340_000, "mobil"},
		"makan 2 orang":          {wantNothing, 0, ""},
		"halo":                   {wantNothing, 0, ""},
		"":                       {wantNothing, 0, ""},
		"   ":                    {wantNothing, 0, ""},
		"rp":                     {wantNothing, 0, ""},
		"jam 25xx":               {wantNothing, 0, ""},
		"1,2345jt":               {wantNothing, 0, ""},
		"99999999999999999999rb": {wantNothing, 0, ""},
		"rumah 18446744074m":     {wantNothing, 0, ""}, // more than 64 bits
		"rumah 1000m":            {wantBooking, -1_000_000_000_000, "rumah"},
		"kopi 1,٥jt":             {wantNothing, 0, ""}, // the digit is Arabic
		"saldo":                  {wantBalance, 0, ""},
		"Balance":                {wantBalance, 0, ""},
		"laporan bulan ini":      {wantReport, 0, ""},
		"report":                 {wantReport, 0, ""},
		"grafik bulan ini":       {wantChart, 0, ""},
		"Chart":                  {wantChart, 0, ""},
		"batal":                  {wantUndo, 0, ""},
		"help":                   {wantHelp, 0, ""},
	} {
		asked, got := parse(text)
		if asked != c.want || got.amount != c.amount || got.what != c.what {
			t.Errorf("%q: %d %+v, want %+v", text, asked, got, c)
		}
	}
}

func TestAnswers(t *testing.T) {
	id, en := languages["id"], languages["en"]
	for got, want := range map[string]string{
		rupiah(0):         "Rp0",
		rupiah(-999):      "-Rp999",
		rupiah(1_500_000): "Rp1.500.000",
		id.onBooking(booking{-25_000, "kopi"}, -100):                        "Tercatat: kopi Rp25.000, keluar.\nSaldo -Rp100.",
		en.onBooking(booking{25_000, "gift"}, 25_000):                       "Booked: gift Rp25.000, in.\nBalance Rp25.000.",
		id.onReport(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 0, 0, nil): "Belum ada catatan bulan ini.",
		id.onReport(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 5000, -2000, []booking{{-2000, "es"}}): "Laporan Maret 2026\n" +
			"Masuk Rp5.000\nKeluar Rp2.000\nSelisih Rp3.000\n- es Rp2.000",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("masuk 1,5jt gaji")
	f.Fuzz(func(t *testing.T, text string) {
		if asked, b := parse(text); asked == wantBooking && (b.amount == 0 || b.amount > largest || b.amount < -largest || b.what == "") {
			t.Errorf("%q was booked as %+v", text, b)
		}
	})
}
