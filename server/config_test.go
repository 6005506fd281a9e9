// SPDX-License-Identifier: MPL-2.0

package server_test

import (
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
)

func TestParseDuration_KnowsDays(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1d12h": 36 * time.Hour, "0d": 0, "1d1h30m": 25*time.Hour + 30*time.Minute, "-2d": -2 * day,
		"-1d12h": -36 * time.Hour, "106751d": 106751 * day, "90m": 90 * time.Minute, "0": 0, "1.5h": 90 * time.Minute,
	} {
		if got, err := server.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "30", "d", "1.5d", "1 d", "1dd", "1d2d", "12h1d", "1d25h", "1d-1h", "1d+1h", "106752d", "106751d23h59m", "99999999999999999999d", "x"} {
		if got, err := server.ParseDuration(text); err == nil {
			t.Errorf("%s: got %s, want an error", text, got)
		}
	}
}
