package quantity

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for spec, field := range map[string]string{
		`{"containers":[{"resources":{"limits":{"memory":"64Mi"}}}]}`:                               "",
		`{"containers":[{"resources":{"limits":{"memory":"1e9","cpu":"5E-1"}}}]}`:                   "",
		`{"containers":[{"resources":{"limits":{"memory":"1e99"}}}]}`:                               "",
		`{"containers":[{"env":[{"name":"X","value":"1e1000"}],"image":"x:1e1000"}]}`:               "",
		`{"nodeSelector":{"pool":"1e1000"},"hostname":"1e1000"}`:                                    "",
		`{"containers":[{"resources":{"limits":{"memory":"99999999999999999999e999999999"}}}]}`:     "limits",
		`{"containers":[{"resources":{"requests":{"cpu":"1E-999999999"}}}]}`:                        "requests",
		`{"containers":[{"resources":{"requests":{"cpu":"1e+000100"}}}]}`:                           "requests",
		`{"volumes":[{"emptyDir":{"sizeLimit":"1e100000"}}]}`:                                       "sizeLimit",
		`{"containers":[{"env":[{"valueFrom":{"resourceFieldRef":{"divisor":"1e1000000"}}}]}]}`:     "divisor",
		`{"overhead":{"memory":"-1e1000000"}}`:                                                      "overhead",
		`{"resources":{"limits":{"memory":["1e1000000"]}}}`:                                         "limits",
		`{"volumes":[{"ephemeral":{"spec":{"resources":{"requests":{"storage":"1.5E1000000"}}}}}]}`: "requests",
		`{"maxSize":"1e1000","media":{"maxFile":"1Mi"}}`:                                            "maxSize",
		`{"media":{"maxFile":"1e1000"}}`:                                                            "maxFile",
		`[]`:                                                                                        "", `"1e1000"`: "", `null`: "",
	} {
		var decoded any
		if err := json.Unmarshal([]byte(spec), &decoded); err != nil {
			t.Fatal(err)
		}
		err := Check(decoded)
		if (err != nil) != (field != "") || err != nil && !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%s: %v, want an error about %q", spec, err, field)
		}
	}
}
