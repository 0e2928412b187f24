package store

// warnOfPlace warns of a session directory that loses the session, and of an empty database where an earlier one
// held a device; known says whether there were facts. Both mostly mean that AUTH_PATH or a volume is not what its owner thinks.
func (s *Store) warnOfPlace(device string, known bool) {
	if inMemory(s.layout.dir) {
		s.log.Warn("the session directory is in memory and goes with the machine or the pod; set AUTH_PATH to a "+
			"folder on a disk", "path", s.layout.dir)
	}
	if device != "" || s.record.Facts.Expired {
		return
	}
	if s.record.Device != "" {
		s.log.Warn("the database holds no device, though one was linked here before; restore a backup with bot "+
			"restore, or link the phone again", "path", s.layout.database())
		return
	}
	if backups, err := listBackups(s.layout); err == nil && len(backups) > 0 && !known {
		s.log.Warn("the session directory is new, though this session has backups; to use the newest, stop the bot "+
			"and run bot restore", "path", s.layout.dir, "newest", backups[0].Path)
	}
}
