package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func lifted(text string, most int) (rest, file string, err error) {
	var into bytes.Buffer
	l := lifter{most: most, depth: 2, file: func() (io.Writer, error) { return &into, nil }}
	out, err := l.lift(strings.NewReader(text))
	return string(out), into.String(), err
}

func TestLift(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		`{"image":{"data":"aGFsbw=="}}`:                              {`{"image":{"data":""}}`, "halo"},
		`{"image": {"caption":"x", "data" : "aGFs\nbw"}, "to":"1"}`:  {`{"image": {"caption":"x", "data" : ""}, "to":"1"}`, "halo"},
		`{"file":{"data":"data:image/png;base64,aGFsbw=="}}`:         {`{"file":{"data":""}}`, "halo"},
		`{"file":{"data":"\/\/\/\/"}}`:                               {`{"file":{"data":""}}`, "\xff\xff\xff"},
		`{"file":{"data":"____"}}`:                                   {`{"file":{"data":""}}`, "\xff\xff\xff"},
		`{"file":{"data":"\u0061GFsbw"}}`:                            {`{"file":{"data":""}}`, "halo"},
		`{"data":"aGFsbw=="}`:                                        {`{"data":"aGFsbw=="}`, ""},
		`{"a":{"b":{"data":"aGFsbw=="}}}`:                            {`{"a":{"b":{"data":"aGFsbw=="}}}`, ""},
		`{"a":["data","aGFsbw=="],"text":"\"data\":\"x\"","c":null}`: {`{"a":["data","aGFsbw=="],"text":"\"data\":\"x\"","c":null}`, ""},
		`{"a":{"data":null,"x":"data"}}`:                             {`{"a":{"data":null,"x":"data"}}`, ""},
	} {
		rest, file, err := lifted(text, 1<<10)
		if err != nil || rest != want[0] || file != want[1] {
			t.Errorf("%s: %s %q %v", text, rest, file, err)
		}
	}
	for text, want := range map[string]error{
		`{"a":{"data":"a"}}`:                 errNotBase64,
		`{"a":{"data":"?"}}`:                 errNotBase64,
		`{"a":{"data":"aGFs=bw"}}`:           errNotBase64,
		`{"a":{"data":"\u00e9"}}`:            errNotBase64,
		`{"a":{"data":"aGFs\u0022}}`:         errNotBase64,
		`{"a":{"data":"data:nothing"}}`:      errNotBase64,
		`{"a":{"data":""},"b":{"data":""}}`:  errTwoFiles,
		`{"a":{"data":"aGFs`:                 io.ErrUnexpectedEOF,
		`{"a":"` + strings.Repeat("x", 2000): errLongJSON,
	} {
		if _, _, err := lifted(text, 1<<10); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// FuzzLift compares the lifter with the JSON decoder of the library.
func FuzzLift(f *testing.F) {
	f.Add([]byte("halo"), "x", `"data":"`)
	f.Add([]byte{0xff, 0xfe}, "caption \\ \" {", "[{")
	f.Fuzz(func(t *testing.T, file []byte, caption, other string) {
		text, err := json.Marshal(map[string]any{
			"other": other, other: []string{"data", caption}, "image": map[string]any{"caption": caption, "data": base64.StdEncoding.EncodeToString(file)},
		})
		if err != nil || other == "image" || other == "other" {
			return
		}
		rest, got, err := lifted(string(text), 1<<20)
		if err != nil || got != string(file) {
			t.Fatalf("%s: %q %v", text, got, err)
		}
		var is, was map[string]any
		if json.Unmarshal([]byte(rest), &is) != nil || json.Unmarshal(text, &was) != nil {
			t.Fatalf("%s became %s", text, rest)
		}
		if is["other"] != was["other"] || is["image"].(map[string]any)["caption"] != was["image"].(map[string]any)["caption"] || is["image"].(map[string]any)["data"] != "" {
			t.Fatalf("%s became %s", text, rest)
		}
		_, _, _ = lifted(caption+other, 1<<10) // any text ends
	})
}
