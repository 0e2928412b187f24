package httpapi

import "strings"

// negotiate returns the index of the offered media type that an Accept header prefers, the first of equals. It returns
// -1 if the header accepts none of them. An empty header accepts everything.
func negotiate(header string, offers ...string) int {
	if strings.TrimSpace(header) == "" {
		return 0
	}
	best, bestQ := -1, 0
	for i, offer := range offers {
		if q := acceptQuality(header, offer); q > bestQ {
			best, bestQ = i, q
		}
	}
	return best
}

// acceptQuality returns the quality, in thousandths, that the header's most specific range for offer gives it.
func acceptQuality(header, offer string) int {
	major, _, _ := strings.Cut(offer, "/")
	q, specific := 0, 0
	for item := range strings.SplitSeq(header, ",") {
		media, params, _ := strings.Cut(item, ";")
		rank := 0
		switch media = strings.ToLower(strings.TrimSpace(media)); media {
		case offer:
			rank = 3
		case major + "/*":
			rank = 2
		case "*/*":
			rank = 1
		}
		if rank > specific {
			q, specific = quality(params), rank
		}
	}
	return q
}

// quality reads the q of parameters such as "level=1;q=0.5", in thousandths. It returns 1000 if there is no readable
// q.
func quality(params string) int {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		whole, fraction, _ := strings.Cut(value, ".")
		if len(fraction) > 3 || strings.Trim(fraction, "0123456789") != "" {
			return 1000
		}
		switch whole {
		case "1":
			return 1000
		case "0", "":
			q := 0
			for _, digit := range (fraction + "000")[:3] {
				q = q*10 + int(digit-'0')
			}
			return q
		}
	}
	return 1000
}
