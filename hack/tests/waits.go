package main

// waits says what the slowest tests wait for, by package and test.
var waits = map[string]string{
	"botruntime/session TestWhateverADialMeetsTheSessionComesBack": "deadlines of 15 to 20 s, for a peer that never answers",
	"botruntime/session TestOutdatedWhileNoVersionIsToBeHad":       "the deadline of 20 s for a page that never answers",
	"botruntime/session TestLostConnectionsComeBack":               "the pauses between reconnects, which grow",
	"botruntime/session TestAFrozenPeerIsLeft":                     "two keep-alives without an answer",
	"botruntime/session TestAPeerThatFreezesUnderACodeIsLeft":      "two keep-alives without an answer",
	"botruntime/session TestALoginWithoutAnAnswerIsGivenUp":        "the deadline of a login, 3 s here",
	"botruntime/store TestRandomDamage":                            "SQLite: 80 damaged stores are opened and mended",
	"botruntime/store TestEveryAmountOfRoom":                       "SQLite: a disk that fills up at each write in turn",
	"botruntime/store TestManyUsersAtOnce":                         "SQLite: readers and writers beside a backup",
	"botruntime/store TestTheRemedyWorks":                          "SQLite: each fault, then what its error says to do",
	"botruntime/store TestARemovedLockFile":                        "the 2 s that a second bot waits for the lock, three times",
	"botruntime/store TestALockFileThatNamesNoOwner":               "the 2 s that a second bot waits for the lock, three times",
	"botruntime/journal TestAFullJournalMakesRoom":                 "SQLite: a journal is filled",
	"botruntime/httpapi TestPage":                                  "Chromium, which draws every state on every screen",
	"cmd/bot TestItStopsInTimeWhateverItDoes":                      "bots that stop while something hangs, up to 5 s each",
	"cmd/bot TestThePageIsScannedFromTheScreen":                    "Chromium, which draws codes until each was scanned",
	"test/wasim/sim TestConnectionEndsInPlaceOfTheAck":             "whatsmeow, which gives a lost request up after a while",
	"controllers TestRulesAreWhatIsCalled":                         "the operator, which meets each kind of object under the audit log",
}
