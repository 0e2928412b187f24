package messenger

import (
	"encoding/hex"
	"testing"

	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// TestThisBuildOfWhatsmeowDoesNotKnowTheSalt fails when whatsmeow learns it: then it sends the tokens itself, and
// salt.go goes.
func TestThisBuildOfWhatsmeowDoesNotKnowTheSalt(t *testing.T) {
	if (&waSyncAction.SyncActionValue{}).ProtoReflect().Descriptor().Fields().ByNumber(saltAction) != nil {
		t.Error("whatsmeow knows the salt now: drop salt.go, or messages carry two tokens")
	}
}

func TestTheSaltIsReadFromAnUnknownField(t *testing.T) {
	for name, c := range map[string]struct {
		index []string
		raw   string // in hexadecimal
		want  string
	}{
		"the salt":            {[]string{saltIndex}, "8205050a03616263", "abc"},
		"behind the time":     {[]string{saltIndex}, "0864" + "8205050a03616263", "abc"},
		"of another index":    {[]string{"mute", "x"}, "8205050a03616263", ""},
		"another action":      {[]string{saltIndex}, "8a05050a03616263", ""},
		"a number instead":    {[]string{saltIndex}, "800501", ""},
		"an empty action":     {[]string{saltIndex}, "820500", ""},
		"an action cut short": {[]string{saltIndex}, "8205020a03", ""},
	} {
		raw, err := hex.DecodeString(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		value := &waSyncAction.SyncActionValue{}
		if err := proto.Unmarshal(raw, value); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := saltIn(c.index, value); string(got) != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := hex.EncodeToString(tokenOf([]byte("key"), types.NewJID("1", types.HiddenUserServer))); len(got) != 64 || got == "" {
		t.Errorf("token %q", got)
	}
}
