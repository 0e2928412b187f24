package bot

import (
	"fmt"
	"time"
)

// timeLayout is the layout of JavaScript's Date.prototype.toISOString, which the API's users parse.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is a moment that reads in JSON as UTC with milliseconds ("2024-01-15T10:30:00.000Z"); the zero
// moment reads as null.
type Time struct{ time.Time }

// At returns t as a Time, cut to the milliseconds that JSON keeps.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.UTC().Format(timeLayout) + `"`), nil
}

// UnmarshalJSON implements json.Unmarshaler; it takes any RFC 3339 time, and null.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = Time{}
		return nil
	}
	parsed, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(data))
	if err != nil {
		return fmt.Errorf("time %s is not RFC 3339: %w", data, err)
	}
	*t = At(parsed)
	return nil
}
