package main

import (
	"strconv"
	"strings"
)

// want is what a message asks for.
type want uint8

const (
	wantNothing want = iota
	wantBooking
	wantBalance
	wantReport
	wantChart
	wantUndo
	wantHelp
)

// booking is money that came in (positive) or went out (negative), in whole rupiah.
type booking struct {
	amount int64
	what   string
}

// smallest is the least amount that counts without a unit: "makan 2 orang" books nothing.
const smallest = 500

// largest is the highest amount that is booked.
const largest = 1_000_000_000_000

var commands = map[string]want{
	"saldo": wantBalance, "balance": wantBalance,
	"laporan": wantReport, "report": wantReport,
	"grafik": wantChart, "chart": wantChart,
	"batal": wantUndo, "undo": wantUndo,
	"bantuan": wantHelp, "help": wantHelp,
}

// signs are first words that say where the money goes; without one it is spent.
var signs = map[string]int64{
	"masuk": 1, "terima": 1, "dapat": 1, "income": 1, "received": 1,
	"keluar": -1, "bayar": -1, "beli": -1, "spent": -1, "paid": -1,
}

// units stand behind a number, with or without a space.
var units = map[string]int64{
	"rb": 1_000, "ribu": 1_000, "k": 1_000,
	"jt": 1_000_000, "juta": 1_000_000, "m": 1_000_000_000, "miliar": 1_000_000_000,
}

// parse reads a message as people write it: "makan 25rb", "masuk 1,5jt gaji", "grafik bulan ini".
func parse(text string) (want, booking) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 || len(text) > 500 {
		return wantNothing, booking{}
	}
	if asked := commands[words[0]]; asked != wantNothing {
		return asked, booking{}
	}
	sign := int64(-1)
	if s, ok := signs[words[0]]; ok {
		sign, words = s, words[1:]
	} else if words[0] == "gaji" || words[0] == "salary" {
		sign = 1
	}
	var rest []string
	var amount int64
	for i := 0; i < len(words); i++ {
		n, used := amountAt(words[i:])
		if used > 0 && amount == 0 {
			amount = n
			i += used - 1
			continue
		}
		rest = append(rest, words[i])
	}
	if amount == 0 {
		return wantNothing, booking{}
	}
	what := strings.Join(rest, " ")
	if what == "" {
		what = "lain-lain"
	}
	return wantBooking, booking{sign * amount, what}
}

// amountAt reads an amount at the beginning of words, and says how many of them it took; 0 for none.
func amountAt(words []string) (amount int64, used int) {
	word, used := words[0], 1
	if (word == "rp" || word == "rp.") && len(words) > 1 {
		words, used = words[1:], 2
		word = words[0]
	}
	word = strings.TrimPrefix(strings.TrimPrefix(word, "rp"), ".")
	end := strings.IndexFunc(word, func(r rune) bool { return !strings.ContainsRune("0123456789.,", r) })
	digits, unit := word, ""
	if end >= 0 {
		digits, unit = word[:end], word[end:]
	}
	if digits == "" {
		return 0, 0
	}
	if unit == "" && len(words) > 1 && units[words[1]] > 0 {
		unit = words[1]
		used++
	}
	scale := int64(1)
	if unit != "" {
		if scale = units[unit]; scale == 0 {
			return 0, 0
		}
	}
	value, ok := number(digits, scale)
	if !ok || value < smallest || value > largest {
		return 0, 0
	}
	return value, used
}

// number reads digits in which dots and commas part thousands, or, before a unit, decimals.
func number(digits string, scale int64) (int64, bool) {
	digits = strings.TrimRight(digits, ".,")
	whole, fraction := digits, ""
	if at := strings.LastIndexAny(digits, ".,"); at >= 0 {
		switch tail := digits[at+1:]; {
		case len(tail) == 3 && scale == 1:
		case scale > 1 && len(tail) <= 2:
			whole, fraction = digits[:at], tail
		case scale == 1 && len(tail) == 2: // 25.000,00
			whole = digits[:at]
		default:
			return 0, false
		}
	}
	whole = strings.NewReplacer(".", "", ",", "").Replace(whole)
	value, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || value > largest/scale {
		return 0, false
	}
	value *= scale
	for _, digit := range fraction {
		scale /= 10
		value += int64(digit-'0') * scale
	}
	return value, true
}
