// Package campaign sets the size of the random tests: a few rounds in every test run, and as many as wanted in `make
// soak`. It decides nothing about what a test does.
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

// Rounds returns the number of rounds of a campaign: base, times SESI_SOAK if that is set.
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

// Seed returns SESI_SEED, or a new seed for every run. A test that fails prints it, so that the run can be repeated.
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

// GivenSeed returns SESI_SEED, for a campaign that otherwise has a fixed list of seeds.
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
