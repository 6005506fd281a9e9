// SPDX-License-Identifier: MPL-2.0

package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

func TestString_ShowsNothingHoweverItIsPrinted(t *testing.T) {
	t.Parallel()
	s := secret.New("needle")
	type config struct {
		Key secret.String            `json:"key"`
		Map map[string]secret.String `json:"map"`
	}
	c := config{Key: s, Map: map[string]secret.String{"k": s}}
	hidden := struct {
		key  secret.String
		list []secret.String
	}{s, []secret.String{s}}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", s, "config", c)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", s, "config", c)
	for _, text := range []string{fmt.Sprint(s, c, &c, hidden, &hidden), fmt.Sprintf("%+v %#v", hidden, hidden), fmt.Sprintf("%s %q %v %+v %#v %x %d", s, s, c, c, c, s, s), string(encoded), logged.String()} {
		if strings.Contains(text, "needle") || strings.Contains(text, "6e6565646c65") {
			t.Errorf("the secret shows in %s", text)
		}
	}
	if s.Reveal() != "needle" || !s.IsSet() || (secret.String{}).IsSet() {
		t.Error("the secret itself is lost")
	}
}

func TestRedact_MasksEveryOccurrence(t *testing.T) {
	t.Parallel()
	got := secret.Redact("a needle, needle and abc", secret.New("needle"), secret.New("abc"), secret.String{})
	if want := "a [secret], [secret] and abc"; got != want {
		t.Errorf("got %q, want %q: too short a secret is no secret", got, want)
	}
}
