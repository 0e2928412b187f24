package journal

import "testing"

// What is known of chats holds for one account.
func TestAnotherAccountKnowsNoChat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir, nil)
	const chat, day, week = "62899000001@s.whatsapp.net", "2026-11-29", 3
	serve := func(account string) {
		t.Helper()
		if err := j.Serve(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	write := func() {
		t.Helper()
		if err := j.Commit(t.Context(), func(tx *Tx) error {
			if _, err := tx.KnowChat(chat); err != nil {
				return err
			}
			if err := tx.BeginChat(day); err != nil {
				return err
			}
			return tx.TokenIssued(week, chat)
		}); err != nil {
			t.Fatal(err)
		}
	}
	is := func(what string, known bool) {
		t.Helper()
		there, err := j.KnownChat(t.Context(), chat)
		if err != nil || there != known {
			t.Errorf("%s: known %v, %v", what, there, err)
		}
		due, err := j.TokenDue(t.Context(), week, chat)
		if err != nil || due == known {
			t.Errorf("%s: a token is due %v, %v", what, due, err)
		}
		if n, err := j.NewChats(t.Context(), day); err != nil || n > 0 != known {
			t.Errorf("%s: %d chats begun, %v", what, n, err)
		}
	}
	write() // by a bot that did not keep the account
	serve("62811000001@s.whatsapp.net")
	is("the first account", true)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, nil)
	serve("62811000001@s.whatsapp.net")
	is("the same account after a restart", true)
	serve("62811000002@s.whatsapp.net")
	is("another account", false)
	write()
	serve("62811000002@s.whatsapp.net")
	is("the same again", true)
}
