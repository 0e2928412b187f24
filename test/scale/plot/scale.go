package plot

import (
	"math"
	"strconv"
)

// scale maps values to pixels and chooses where to put marks.
type scale struct {
	low, high float64 // values at both ends
	from, to  float64 // pixels at both ends
	log       bool
	marks     []float64
}

// wantedMarks is the approximate number of marks of an axis.
const wantedMarks = 6

func newScale(a Axis, values []float64, from, to float64) scale {
	s := scale{from: from, to: to, log: a.Log, low: values[0], high: values[0]}
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	if a.Min != 0 || a.Max != 0 {
		s.low, s.high = a.Min, a.Max
	} else if !a.Log {
		s.low = min(s.low, 0)
	}
	if s.log {
		return s.onMarks()
	}
	if s.high <= s.low {
		s.high = s.low + 1
	}
	step := niceStep((s.high - s.low) / wantedMarks)
	if a.Min == 0 && a.Max == 0 {
		s.low, s.high = math.Floor(s.low/step)*step, math.Ceil(s.high/step)*step
	}
	for i := math.Ceil(s.low/step - 1e-9); i*step <= s.high+step*1e-9; i++ {
		s.marks = append(s.marks, i*step+0) // plus zero, because a mark could read -0 otherwise
	}
	return s
}

// niceStep returns the next 1, 2 or 5 times a power of ten.
func niceStep(rough float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, nice := range []float64{1, 2, 5} {
		if rough <= nice*power*(1+1e-9) {
			return nice * power
		}
	}
	return 10 * power
}

// onMarks widens a Log scale to 1, 2 or 5 times a power of ten at both ends and marks those between, or only the
// powers if there are many.
func (s scale) onMarks() scale {
	steps := []float64{1, 2, 5}
	if s.high/s.low > 1e3 {
		steps = steps[:1]
	}
	var all []float64
	for e := math.Floor(math.Log10(s.low)) - 1; e <= math.Ceil(math.Log10(s.high))+1; e++ {
		for _, step := range steps {
			all = append(all, step*math.Pow(10, e))
		}
	}
	first, last := 0, len(all)-1
	for first+1 < len(all) && all[first+1] <= s.low*(1+1e-9) {
		first++
	}
	for last > first+1 && all[last-1] >= s.high*(1-1e-9) {
		last--
	}
	s.marks = all[first : last+1]
	s.low, s.high = all[first], all[last]
	return s
}

// part returns where a value lies between both ends, from 0 to 1.
func (s scale) part(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(v)
	}
	return min(max((v-low)/(high-low), 0), 1)
}

func (s scale) pixel(v float64) float64 { return s.from + s.part(v)*(s.to-s.from) }

// number formats a value as people write it: 1,200, 0.25.
func number(v float64) string {
	if v != 0 && (math.Abs(v) < 1e-3 || math.Abs(v) >= 1e9) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	decimals := 0
	if v != 0 {
		decimals = max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	whole, fraction := text, ""
	for i := range text {
		if text[i] == '.' {
			whole, fraction = text[:i], text[i:]
			for len(fraction) > 0 && (fraction[len(fraction)-1] == '0' || fraction[len(fraction)-1] == '.') {
				fraction = fraction[:len(fraction)-1]
			}
			break
		}
	}
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole + fraction
}
