package main

import (
	"log/slog"

	"go.mau.fi/libsignal/logger"
)

// signalLog takes what libsignal says to the log; by default it prints to standard output.
type signalLog struct{ log *slog.Logger }

func (l signalLog) Debug(caller, message string)   { l.log.Debug(message, "caller", caller) }
func (l signalLog) Info(caller, message string)    { l.log.Debug(message, "caller", caller) }
func (l signalLog) Warning(caller, message string) { l.log.Debug(message, "caller", caller) }
func (l signalLog) Error(caller, message string)   { l.log.Warn(message, "caller", caller) }
func (signalLog) Configure(string)                 {}

func setSignalLog(log *slog.Logger) {
	var out logger.Loggable = signalLog{log}
	logger.Setup(&out)
}
