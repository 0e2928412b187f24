package main

import "testing"

func TestProgramPages(t *testing.T) {
	const program = "/opt/my bots/bot"
	tests := map[string]struct {
		line string
		want span
		ok   bool
	}{
		"code":            {"00400000-00c8d000 r-xp 00000000 fe:00 10007053                           /opt/my bots/bot\n", span{0x400000, 0xc8d000}, true},
		"constants":       {"00c8d000-0166c000 r--p 0088d000 fe:00 10007053                           /opt/my bots/bot\n", span{0xc8d000, 0x166c000}, true},
		"variables":       {"0166c000-01704000 rw-p 0126c000 fe:00 10007053                           /opt/my bots/bot\n", span{}, false},
		"shared":          {"0166c000-01704000 r--s 0126c000 fe:00 10007053                           /opt/my bots/bot\n", span{}, false},
		"another program": {"00400000-00c8d000 r-xp 00000000 fe:00 10007053                           /not/opt/my bots/bot\n", span{}, false},
		"a database":      {"7fcbfaa0b000-7fcbfaa13000 rw-s 00000000 fe:00 10018839                   /data/session.db-shm\n", span{}, false},
		"no file":         {"7fcbb3b40000-7fcbb3c40000 rw-p 00000000 00:00 0 \n", span{}, false},
		"no line":         {"/opt/my bots/bot", span{}, false},
		"nothing":         {"", span{}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := programPages(test.line, program)
			if ok != test.ok || ok && got != test.want {
				t.Errorf("%x, %v", got, ok)
			}
		})
	}
}

func TestAProgramGoesOnWithoutItsPages(t *testing.T) {
	spans := observeProgram()
	if len(spans) < 2 {
		t.Fatalf("found %x; a program has code and constants", spans)
	}
	for range 3 {
		forgetProgram(spans)
	}
}
