package bot

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTimeReadsLikeJavaScript(t *testing.T) {
	jakarta := time.FixedZone("WIB", 7*60*60)
	cases := map[string]struct {
		in   time.Time
		want string
	}{
		"utc":        {time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC), `"2024-01-15T10:30:00.000Z"`},
		"other zone": {time.Date(2024, 1, 15, 17, 30, 0, 123_456_789, jakarta), `"2024-01-15T10:30:00.123Z"`},
		"zero":       {time.Time{}, `null`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(At(c.in))
			if err != nil || string(got) != c.want {
				t.Fatalf("Marshal = %s, %v; want %s", got, err, c.want)
			}
			var back Time
			if err := json.Unmarshal(got, &back); err != nil || !back.Equal(At(c.in).Time) {
				t.Fatalf("Unmarshal(%s) = %v, %v; want %v", got, back, err, At(c.in))
			}
		})
	}
}

func TestTimeRejectsWhatIsNoTime(t *testing.T) {
	for _, in := range []string{`"yesterday"`, `12`, `""`, `{}`} {
		var got Time
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("Unmarshal(%s) = %v, want an error", in, got)
		}
	}
}
