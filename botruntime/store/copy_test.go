package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"testing"
)

// An error of the copier reads as if the bot itself had met it.
func TestErrorsOfTheCopierReachTheBot(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]error{
		"a full disk":       describe(dir, syscall.ENOSPC),
		"without a cause":   problem(IsSymlink, dir, nil),
		"wrapped":           fmt.Errorf("look: %w", describe(dir, syscall.EIO)),
		"a damaged store":   errors.New("session.db: the copy is damaged: malformed"),
		"no linked device":  ErrNoDevice,
		"no device, joined": errors.Join(ErrNoDevice),
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			line, err := json.Marshal(answerError(want))
			if err != nil {
				t.Fatal(err)
			}
			var answer copyAnswer
			if err := json.Unmarshal(line, &answer); err != nil {
				t.Fatal(err)
			}
			got := answer.err()
			if got == nil || errors.Is(got, ErrNoDevice) != errors.Is(want, ErrNoDevice) || classifyError(got) != classifyError(want) {
				t.Fatalf("%v became %v", want, got)
			}
			var path *PathError
			if errors.As(want, &path) {
				want = path
			}
			if got.Error() != want.Error() {
				t.Errorf("%q became %q", want, got)
			}
		})
	}
	if err := (copyAnswer{}).err(); err == nil {
		t.Error("an empty answer is taken for a copy")
	}
	if err := (copyAnswer{Device: "0123abcd"}).err(); err != nil {
		t.Error(err)
	}
}
