package sim_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waMmsRetry"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/mediahost"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestFaultsOfADownload(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	const size = 200_000
	url := s.ServePicture(make([]byte, size))
	load := func() (status, read int, err error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		client := s.HTTPClient()
		defer client.CloseIdleConnections()
		answer, err := client.Do(request)
		if err != nil {
			return 0, 0, err
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		for _, b := range raw {
			if b != 0 {
				return answer.StatusCode, -1, err
			}
		}
		return answer.StatusCode, len(raw), err
	}
	for _, test := range []struct {
		fault  sim.Fault
		status int
		read   int
		broken bool
	}{
		{fault: sim.Fault{Kind: sim.FaultMediaCode, Code: 503}, status: 503, read: -1},
		{fault: sim.Fault{Kind: sim.FaultMediaCut}, status: 200, broken: true},
		{fault: sim.Fault{Kind: sim.FaultMediaWrong}, status: 200, read: -1},
		{fault: sim.Fault{Kind: sim.FaultMediaShort}, status: 200, read: size * 3 / 4},
		{fault: sim.Fault{Kind: sim.FaultMediaSlow, MS: 1}, status: 200, read: size},
		{fault: sim.Fault{Kind: sim.FaultMediaDown}, broken: true},
		{fault: sim.Fault{Kind: sim.FaultMediaCode, Code: 500, Attrs: map[string]string{"way": "up"}}, status: 200, read: size},
		{fault: sim.Fault{Kind: sim.FaultMediaCode, Code: 500, Attrs: map[string]string{"host": mediahost.Primary}}, status: 200, read: size},
	} {
		test.fault.Count = 1
		fault(t, s, test.fault)
		if status, read, err := load(); status != test.status || read != test.read && !test.broken || test.broken && read >= size || (err != nil) != test.broken {
			t.Errorf("%s: %d, %d bytes, %v", test.fault.Kind, status, read, err)
		}
		s.ClearFaults()
		if _, read, err := load(); read != size || err != nil {
			t.Errorf("after %s: %d bytes, %v", test.fault.Kind, read, err)
		}
	}
}

func TestFaultOfTheMediaHostsMustMakeSense(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	for _, f := range []sim.Fault{
		{Kind: sim.FaultMediaCode}, {Kind: sim.FaultMediaCut, Attrs: map[string]string{"way": "sideways"}},
		{Kind: sim.FaultMediaDown, Attrs: map[string]string{"host": "example.com"}}, {Kind: sim.FaultMediaRetry},
	} {
		if err := s.AddFault(f); !errors.Is(err, sim.ErrInvalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// The first of two hosts is down: a client that knows both loads from the second one.
func TestMediaHostThatIsDown(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	got := b.show(jid, sim.Media{Kind: mediahost.Image}).Message.GetImageMessage()
	got.URL = nil
	fault(t, s, sim.Fault{Kind: sim.FaultMediaCode, Code: 500, Attrs: map[string]string{"host": mediahost.Primary}})
	if raw, err := b.client.Download(t.Context(), got); err != nil || len(raw) != 20_000 {
		t.Errorf("read %d bytes: %v", len(raw), err)
	}
}

func TestUploadUnderAFault(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair("5511911112222")
	for _, kind := range []string{sim.FaultMediaCut, sim.FaultMediaAuth} {
		fault(t, s, sim.Fault{Kind: kind, Count: 1})
		_, err := b.client.Upload(t.Context(), make([]byte, 1<<20), whatsmeow.MediaVideo)
		if err == nil || s.StatsMap()["mediaUploads"] != 0 {
			t.Errorf("%s: the upload went well", kind)
		}
	}
	fault(t, s, sim.Fault{Kind: sim.FaultMediaConn, Code: 500, Count: 1})
	if _, err := b.client.DangerousInternals().RefreshMediaConn(t.Context(), true); err == nil { //nolint:staticcheck // there is no public call
		t.Error("the hosts were named in spite of the fault")
	}
}

func TestPhoneUploadsAFileAgain(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	got := b.show(jid, sim.Media{Kind: mediahost.Image})
	image := got.Message.GetImageMessage()
	image.URL = nil
	if err := s.EndMedia(got.Info.ID, 410); err != nil {
		t.Fatal(err)
	}
	ask := func(key []byte) (*waMmsRetry.MediaRetryNotification, error) {
		mark := b.mark()
		if err := b.client.SendMediaRetryReceipt(t.Context(), &got.Info, key); err != nil {
			t.Fatalf("ask the phone: %v", err)
		}
		return whatsmeow.DecryptMediaRetryNotification(wait[*events.MediaRetry](b, mark), image.GetMediaKey())
	}
	for result, want := range map[string]waMmsRetry.MediaRetryNotification_ResultType{
		sim.RetryNotFound: waMmsRetry.MediaRetryNotification_NOT_FOUND, sim.RetryError: waMmsRetry.MediaRetryNotification_GENERAL_ERROR,
		sim.RetryUnread: waMmsRetry.MediaRetryNotification_DECRYPTION_ERROR,
	} {
		fault(t, s, sim.Fault{Kind: sim.FaultMediaRetry, Count: 1, Attrs: map[string]string{"result": result}})
		if told, err := ask(image.GetMediaKey()); err != nil || told.GetResult() != want {
			t.Errorf("%s: %v: %v", result, told, err)
		}
	}
	fault(t, s, sim.Fault{Kind: sim.FaultMediaRetry, Count: 1, Attrs: map[string]string{"result": sim.RetryBare}})
	if _, err := ask(image.GetMediaKey()); !errors.Is(err, whatsmeow.ErrMediaNotAvailableOnPhone) {
		t.Errorf("bare: %v", err)
	}
	if told, err := ask(make([]byte, 32)); err != nil || told.GetResult() != waMmsRetry.MediaRetryNotification_DECRYPTION_ERROR {
		t.Errorf("with another key: %v: %v", told, err)
	}
	told, err := ask(image.GetMediaKey())
	if err != nil || told.GetResult() != waMmsRetry.MediaRetryNotification_SUCCESS {
		t.Fatalf("the phone answered %v: %v", told, err)
	}
	if image.DirectPath = told.DirectPath; image.GetDirectPath() == "" {
		t.Fatal("there is no new path")
	}
	if raw, err := b.client.Download(t.Context(), image); err != nil || len(raw) != 20_000 {
		t.Errorf("read %d bytes: %v", len(raw), err)
	}
	eventually(t, "the answers are acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
}

// A bot's own message is on its phone too; an offline phone answers when it is online again.
func TestPhoneUploadsABotsFileAgain(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	up, err := b.client.Upload(t.Context(), []byte("a chart"), whatsmeow.MediaDocument)
	if err != nil {
		t.Fatal(err)
	}
	document := &waE2E.DocumentMessage{
		DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength,
	}
	to := types.NewJID(anna, types.DefaultUserServer)
	sent, err := b.client.SendMessage(t.Context(), to, &waE2E.Message{DocumentMessage: document})
	if err != nil {
		t.Fatal(err)
	}
	if err = s.Person(jid.User).Set(sim.PersonState{Offline: true}); err != nil {
		t.Fatal(err)
	}
	mark, seen := b.mark(), s.Mark()
	info := &types.MessageInfo{ID: sent.ID, MessageSource: types.MessageSource{Chat: to, IsFromMe: true}, Timestamp: time.Now()}
	if err = b.client.SendMediaRetryReceipt(t.Context(), info, up.MediaKey); err != nil {
		t.Fatal(err)
	}
	s.WaitEvent(t, seen, sim.EventMediaRetry)
	if err = s.Person(jid.User).Set(sim.PersonState{}); err != nil {
		t.Fatal(err)
	}
	told, err := whatsmeow.DecryptMediaRetryNotification(wait[*events.MediaRetry](b, mark), up.MediaKey)
	if err != nil || told.GetResult() != waMmsRetry.MediaRetryNotification_SUCCESS {
		t.Errorf("the phone answered %v: %v", told, err)
	}
}
