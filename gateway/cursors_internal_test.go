package gateway

import (
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestCursorsSurviveTheirID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]cursors{
		"none":    {},
		"several": {sumOfUID("a"): {known: true, cursor: 7}, sumOfUID("b"): {known: true}, sumOfUID("c"): {}},
		"large":   {0: {known: true, cursor: 1 << 60}, 1<<32 - 1: {known: true, cursor: 300}},
	} {
		got, err := parseCursors(c.id())
		if err != nil || !maps.Equal(got, c) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	full := cursors{}
	for i := range maxFollowed {
		full[sumOfUID(types.UID(strings.Repeat("x", i)))] = position{known: true, cursor: 1 << 40}
	}
	if id := full.id(); len(full) != maxFollowed || len(id) > maxEventID {
		t.Errorf("an id of %d sessions has %d bytes", len(full), len(id))
	} else if _, err := parseCursors(id); err != nil {
		t.Errorf("the longest id: %v", err)
	}
}

func TestForeignEventIDsAreRefused(t *testing.T) {
	t.Parallel()
	tooMany := cursors{}
	for i := range uint32(maxFollowed + 1) {
		tooMany[i] = position{known: true}
	}
	for name, id := range map[string]string{
		"a bot's":       "17",
		"not base64":    "%%%",
		"empty":         "",
		"other version": "Ag",
		"cut off":       cursors{5: {known: true, cursor: 900}}.id()[:4],
		"too long":      strings.Repeat("A", maxEventID+1),
		"too many":      tooMany.id(),
		"overflow":      "AQAAAAX_________________",
	} {
		if got, err := parseCursors(id); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

func FuzzCursors(f *testing.F) {
	f.Add(cursors{1: {known: true, cursor: 2}}.id())
	f.Fuzz(func(t *testing.T, id string) {
		c, err := parseCursors(id)
		if err != nil {
			return
		}
		again, err := parseCursors(c.id())
		if err != nil || !maps.Equal(again, c) {
			t.Errorf("%q: %v, then %v, %v", id, c, again, err)
		}
	})
}
