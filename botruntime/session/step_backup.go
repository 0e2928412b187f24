package session

// planBackups starts the backup timer once per linked device. Started at each login, a connection that never lasts
// would put the first backup off without end.
func (t *transition) planBackups() {
	if t.policy.backupInterval > 0 && !t.backup.planned {
		t.backup.planned = true
		t.do(actTimer{timerBackup, firstBackupWait})
	}
}

// backUp takes the periodic backup, one at a time.
func (t *transition) backUp() {
	t.do(actTimer{timerBackup, t.policy.backupInterval})
	if !t.backup.running {
		t.backup.running = true
		t.do(actBackup{})
	}
}

// backedUp records how a backup ended. A store that did not change since the last backup is as safe as one that was
// just copied.
func (t *transition) backedUp(in inBackedUp) {
	if !in.extra {
		t.backup.running = false
	}
	switch {
	case in.err != nil:
		t.backup.failing = true
		t.do(actCountBackupFailed{in.err})
	case !in.at.IsZero():
		t.backup.at, t.backup.failing = in.at, false
		t.do(actCountBackup{t.now})
	}
}
