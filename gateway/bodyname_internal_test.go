package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// whole finds a name as nameScan does, with encoding/json and all of the body in memory.
func whole(body []byte) (name string, found bool, begin, end int64, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return "", false, 0, 0, errNoObject
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return "", false, 0, 0, err
		}
		field, _ := token.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return "", false, 0, 0, err
		}
		if !strings.EqualFold(field, fieldSession) {
			continue
		}
		if field != fieldSession || found {
			return "", false, 0, 0, errAmbiguous
		}
		if err := json.Unmarshal(value, &name); err != nil {
			return "", false, 0, 0, errNoName
		}
		found, end = true, decoder.InputOffset()
		begin = end - int64(len(value))
	}
	if _, err := decoder.Token(); err != nil {
		return "", false, 0, 0, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", false, 0, 0, errNoObject
	}
	return name, found, begin, end, nil
}

// scanIn feeds a body in pieces of a size.
func scanIn(body []byte, size int) (*nameScan, error) {
	s := &nameScan{}
	for len(body) > 0 {
		n := min(size, len(body))
		if err := s.feed(body[:n]); err != nil {
			return s, err
		}
		body = body[n:]
	}
	return s, s.finish()
}

// Of every JSON object the scan finds what encoding/json finds, however it is cut into pieces. What is no object is
// refused, or is the bot's to refuse: it never makes the scan fail otherwise.
func FuzzNameScan(f *testing.F) {
	for _, body := range []string{
		``, `{}`, ` { } `, `{"session":"shop"}`, `{"a":[1,{"session":"x"}],"session":"shop","b":"\"}"}`, `{"session":null}`, `{"session": null , "a":1}`,
		`{"\u0073ession":"sh\u006fp"}`, `{"Session":"x"}`, `{"ſession":"x"}`, `{"session":"a","session":"b"}`, `{"session":5}`, `{"session":["a"]}`,
		`{"session":nul}`, `{"session":"a"}x`, `{"a":1}{"session":"b"}`, `[{"session":"a"}]`, `{"a":"\\","session":"b"}`, `{"a":"\\\"","session":"b"}`,
		`{"a":-1.5e3,"b":true,"session":"c","d":[[[]],{}]}`, "{\"session\"\n:\t\"a\"\r}", `{"a":{"b":{"c":"d"}},"session":""}`,
		`{"` + strings.Repeat("k", maxField) + `":1,"session":"a"}`, `{"session":"` + strings.Repeat("n", maxName) + `"}`, `{"a":}`, `{"a":,"session":"b"}`, `{"a":[},"session":"b"}`,
		"{\"\x01\":1}", "{\"session\":\"\xff\"}",
	} {
		f.Add([]byte(body), 3)
	}
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		size = max(1, size%64)
		s, err := scanIn(body, size)
		if all, allErr := scanIn(body, len(body)+1); !errors.Is(allErr, err) || all.name != s.name || all.begin != s.begin || all.end != s.end {
			t.Fatalf("in pieces of %d: %+v, %v; whole: %+v, %v", size, s, err, all, allErr)
		}
		if len(s.text) > maxName {
			t.Fatalf("%d bytes are kept", len(s.text))
		}
		name, found, begin, end, want := whole(body)
		switch {
		case !json.Valid(body):
			if want == nil {
				t.Fatal("the comparison accepts what is no JSON")
			}
			return
		case errors.Is(want, errAmbiguous), errors.Is(want, errNoName), errors.Is(want, errNoObject):
			if err == nil {
				t.Fatalf("accepted, want %v", want)
			}
			return
		case end-begin >= maxName:
			if !errors.Is(err, errNoName) {
				t.Fatalf("a name of %d bytes: %v", end-begin, err)
			}
			return
		}
		if err != nil || s.name != name || s.found != found || s.begin != begin || s.end != end {
			t.Fatalf("found %q %t at %d to %d, %v; want %q %t at %d to %d", s.name, s.found, s.begin, s.end, err, name, found, begin, end)
		}
	})
}

// A large text costs about what copying it does, also one of escapes.
func BenchmarkNameScan(b *testing.B) {
	for name, text := range map[string]string{"base64": "QUJD", "escapes": `\\\"`} {
		b.Run(name, func(b *testing.B) {
			body := []byte(`{"data":"` + strings.Repeat(text, 8<<20) + `","session":"shop"}`)
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if s, err := scanIn(body, 32<<10); err != nil || s.name != "shop" {
					b.Fatal(s.name, err)
				}
			}
		})
	}
}
