// Package quantity finds quantities that no program can read in time. Kubernetes' own parser computes a power of ten for an
// exponent, so a text of twenty characters takes all memory of the program that reads it.
package quantity

import (
	"fmt"
	"regexp"
	"slices"
)

// fields are the members of a pod's spec and of a session's that have quantities, at any depth below them.
var fields = []string{"limits", "requests", "overhead", "sizeLimit", "divisor", "size", "maxSize", "maxFile"}

// huge is a number with an exponent of more than two digits. The largest quantity is below 1e19.
var huge = regexp.MustCompile(`[eE][-+]?0*[0-9]{3,}`)

// Check returns an error that names the first quantity with too large an exponent in JSON that was decoded into any. It must
// run before the JSON is decoded into a type with quantities.
func Check(decoded any) error { return check(decoded, "", false) }

func check(value any, field string, inside bool) error {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			at := field
			if !inside {
				at = name
			}
			if err := check(member, at, inside || slices.Contains(fields, name)); err != nil {
				return err
			}
		}
	case []any:
		for _, member := range value {
			if err := check(member, field, inside); err != nil {
				return err
			}
		}
	case string:
		if inside && huge.MatchString(value) {
			return fmt.Errorf("%s: the quantity has an exponent of more than two digits; write it like 64Mi or 1e9", field)
		}
	}
	return nil
}
