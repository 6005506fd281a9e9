// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"os"
	"strings"
	"testing"
)

func TestSilenceUnreadLog_LeavesALogThatIsAskedFor(t *testing.T) {
	loggers := []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER_ALERTROUTER"}
	for asked, want := range map[string]string{
		"":                       "OFF",
		"TF_LOG=":                "OFF",
		"TF_LOG=trace":           "",
		"TF_LOG=JSON":            "",
		"TF_LOG_PROVIDER=DEBUG":  "",
		"TF_LOG_SDK_PROTO=TRACE": "",
		"TF_LOG_PATH=trace.log":  "",
	} {
		t.Run(asked, func(t *testing.T) {
			for _, pair := range os.Environ() {
				if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "TF_LOG") {
					t.Setenv(name, "")
				}
			}
			for _, logger := range loggers {
				t.Setenv(logger, "")
			}
			name, value, given := strings.Cut(asked, "=")
			if given {
				t.Setenv(name, value)
			}
			silenceUnreadLog()
			for _, logger := range loggers {
				if got := os.Getenv(logger); logger != name && got != want {
					t.Errorf("%s is %q, want %q", logger, got, want)
				}
			}
		})
	}
}
