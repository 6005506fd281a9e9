// SPDX-License-Identifier: MPL-2.0

package alert_test

import (
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
)

func TestParseTime_ReadsEveryFormOfAnAWSDateTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2020-10-13T03:35Z":                   "2020-10-13T03:35:00Z",
		"2020-10-13T03:35-07:00":              "2020-10-13T10:35:00Z",
		"2020-10-13T03:35:24Z":                "2020-10-13T03:35:24Z",
		"2020-10-13T03:35:24+05:30":           "2020-10-12T22:05:24Z",
		"2020-10-13T03:35:24-00:00:30":        "2020-10-13T03:35:54Z",
		"2020-10-13T03:35:24.1Z":              "2020-10-13T03:35:24.1Z",
		"2020-10-13T03:35:24.123456789+00:00": "2020-10-13T03:35:24.123456789Z",
		"2020-02-29T23:59:59.9+23:59:59":      "2020-02-29T00:00:00.9Z",
	} {
		got, err := alert.ParseTime(text)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %s, %v; want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
}

func TestParseTime_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "Z", "2020-10-13", "2020-10-13T03:35", "2020-10-13T03:35:24", "2020-10-13 03:35:24Z", "2020-10-13T03:35.5Z",
		"2020-10-13T03:35:24,5Z", "2020-10-13T03:35:24.Z", "2020-10-13T03:35:24.1234567890Z", "2020-10-13T03:35:24z",
		"2020-13-13T03:35:24Z", "2021-02-29T03:35:24Z", "2020-10-13T24:00:00Z", "2020-10-13T03:35:60Z", "2020-10-13T03:35:24+0530",
		"2020-10-13T03:35:24+5:30", "2020-10-13T03:35:24+24:00", "2020-10-13T03:35:24+05:60", "2020-10-13T03:35:24+05:30:60",
		"2020-10-13T03:35:24+05:30:", "2020-10-13T03:35:24 Z", "2020-10-13T3:35:24Z", "1602560124",
		"9999-12-31T23:59:59-10:00", "0000-01-01T00:00:00+10:00",
	} {
		if got, err := alert.ParseTime(text); err == nil {
			t.Errorf("%q was taken for %s", text, got)
		}
	}
}

func TestAlert_GeneratedTextWinsAndTheTitleFallsBack(t *testing.T) {
	t.Parallel()
	text, blank := "generated", " "
	a := alert.Alert{Detection: alert.Detection{ID: "id", Description: "static", Runbook: "static", Reference: "static"}}
	if a.Title() != "id" || a.Description() != "static" {
		t.Errorf("got %q and %q, want the id and the static description", a.Title(), a.Description())
	}
	a.Detection.Name = "name"
	a.Generated.Title = &blank
	if a.Title() != "name" {
		t.Errorf("got the title %q, want the name: a blank title is none", a.Title())
	}
	a.Generated = alert.Generated{Title: &text, Description: &text, Runbook: &text, Reference: &text}
	if a.Title() != text || a.Description() != text || a.Runbook() != text || a.Reference() != text {
		t.Errorf("got %q %q %q %q, want what was generated", a.Title(), a.Description(), a.Runbook(), a.Reference())
	}
}

func TestParseSeverity_IgnoresCaseOnly(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"high", "HIGH", "High"} {
		if s, ok := alert.ParseSeverity(text); !ok || s != alert.High {
			t.Errorf("%q: got %s, %v", text, s, ok)
		}
	}
	for _, text := range []string{"", " HIGH", "HIGHEST", "DEFAULT", "ınfo"} {
		if s, ok := alert.ParseSeverity(text); ok {
			t.Errorf("%q was taken for %s", text, s)
		}
	}
}
