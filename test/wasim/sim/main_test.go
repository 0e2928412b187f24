package sim_test

import (
	"testing"

	"sesi.dev/sesi/test/wasim/simtest"
)

func TestMain(m *testing.M) { simtest.Main(m) }
