package main

import "testing"

func TestProgramPages(t *testing.T) {
	const program = "/opt/my bots/bot"
	tests := map[string]struct {
		line       string
		begin, end uintptr
		want       bool
	}{
		"code":            {"00400000-00c8d000 r-xp 00000000 fe:00 10007053                           /opt/my bots/bot\n", 0x400000, 0xc8d000, true},
		"constants":       {"00c8d000-0166c000 r--p 0088d000 fe:00 10007053                           /opt/my bots/bot\n", 0xc8d000, 0x166c000, true},
		"variables":       {"0166c000-01704000 rw-p 0126c000 fe:00 10007053                           /opt/my bots/bot\n", 0, 0, false},
		"shared":          {"0166c000-01704000 r--s 0126c000 fe:00 10007053                           /opt/my bots/bot\n", 0, 0, false},
		"another program": {"00400000-00c8d000 r-xp 00000000 fe:00 10007053                           /not/opt/my bots/bot\n", 0, 0, false},
		"a database":      {"7fcbfaa0b000-7fcbfaa13000 rw-s 00000000 fe:00 10018839                   /data/session.db-shm\n", 0, 0, false},
		"no file":         {"7fcbb3b40000-7fcbb3c40000 rw-p 00000000 00:00 0 \n", 0, 0, false},
		"no line":         {"/opt/my bots/bot", 0, 0, false},
		"nothing":         {"", 0, 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			begin, end, ok := programPages(test.line, program)
			if ok != test.want || ok && (begin != test.begin || end != test.end) {
				t.Errorf("%x-%x, %v", begin, end, ok)
			}
		})
	}
}

func TestAProgramGoesOnWithoutItsPages(t *testing.T) {
	for range 3 {
		forgetProgram()
	}
}
