// Package campaign sizes the random tests: a few rounds in every run of the tests, as many as wanted in `make soak`.
// It decides nothing about what a test does.
package campaign

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// The two settings that lengthen or repeat a campaign.
const (
	factorVariable = "SESI_SOAK" // multiplies the rounds of every campaign
	seedVariable   = "SESI_SEED" // repeats the campaign of one seed
)

// Rounds is how many rounds a campaign has: base, times SESI_SOAK when that is set.
func Rounds(t testing.TB, base int) int {
	t.Helper()
	value := os.Getenv(factorVariable)
	if value == "" {
		return base
	}
	factor, err := strconv.Atoi(value)
	if err != nil || factor < 1 {
		t.Fatalf("%s is %q: want a number from 1", factorVariable, value)
	}
	return base * factor
}

// Seed is SESI_SEED, or a new seed for every run. A test that fails prints it, so that the run can be repeated.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, given := GivenSeed(t)
	if !given {
		seed = uint64(time.Now().UnixNano())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to repeat it: %s=%d go test -run '^%s$'", seedVariable, seed, t.Name())
		}
	})
	return seed
}

// GivenSeed is SESI_SEED, for a campaign that has a fixed list of seeds otherwise.
func GivenSeed(t testing.TB) (seed uint64, given bool) {
	t.Helper()
	value := os.Getenv(seedVariable)
	if value == "" {
		return 0, false
	}
	seed, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q: want a number", seedVariable, value)
	}
	return seed, true
}
