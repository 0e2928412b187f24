package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// variable is one setting. Its name, default, meaning and rule are defined only here; parsing, errors and --help all
// use them.
type variable struct {
	name     string
	fallback string
	// help is one sentence for --help. allowed describes valid values, for --help and errors.
	help    string
	allowed string
	// secret means that the value is never repeated.
	secret bool
	// parse stores a valid value and returns false for any other; value is trimmed and never empty.
	parse func(c *Config, value string) bool
	// check, if set, returns why a value is a likely mistake and what to write instead.
	check func(value string) error
}

// problem returns the error line for an invalid value; where is its place in .env.
func (v variable) problem(value, where string) string {
	shown := strconv.Quote(shorten(value))
	if v.secret {
		shown = "(value not shown)"
	}
	why := ""
	if v.check != nil {
		if err := v.check(value); err != nil {
			why = "; " + err.Error()
		}
	} else if strings.ContainsAny(value[:1]+value[len(value)-1:], "\"'`") {
		why = "; " + bot.ErrQuoted.Error()
	}
	return fmt.Sprintf("%s %s%s: want %s%s", v.name, shown, where, v.allowed, why)
}

// accepts parses a value unless it is a likely mistake.
func (v variable) accepts(c *Config, value string) bool {
	return (v.check == nil || v.check(value) == nil) && v.parse(c, value)
}

func path(field func(*Config) *string) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		*field(c) = value
		return true
	}
}

func host(field func(*Config) *string) func(*Config, string) bool {
	return func(c *Config, value string) (ok bool) {
		*field(c), ok = hostname(value)
		return ok
	}
}

func port(field func(*Config) *int) func(*Config, string) bool { return number(field, 0, 65535) }

func number(field func(*Config) *int, least, most int) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		n, err := strconv.Atoi(value)
		*field(c) = n
		return err == nil && n >= least && n <= most
	}
}

// mebibytes reads a number of MiB into a field that holds bytes.
func mebibytes(field func(*Config) *int64, least, most int) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		var mib int
		ok := number(func(*Config) *int { return &mib }, least, most)(c, value)
		*field(c) = int64(mib) << 20
		return ok
	}
}

func millis(field func(*Config) *time.Duration, least, most time.Duration) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < least.Milliseconds() || n > most.Milliseconds() {
			return false
		}
		*field(c) = time.Duration(n) * time.Millisecond
		return true
	}
}

func boolean(field func(*Config) *bool) func(*Config, string) bool {
	return func(c *Config, value string) bool {
		switch strings.ToLower(value) {
		case "true", "1", "yes", "on":
			*field(c) = true
		case "false", "0", "no", "off":
			*field(c) = false
		default:
			return false
		}
		return true
	}
}

// shorten keeps an error to one readable line, whatever the value is.
func shorten(value string) string {
	const most = 80
	runes := []rune(value)
	if len(runes) <= most {
		return value
	}
	return string(runes[:most]) + "…"
}
