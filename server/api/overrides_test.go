// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

func TestOverrides_AreCheckedWithoutBeingStored(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	admin(t, s, 201, nil, "POST", "/v1/destinations", json.RawMessage(body("On", "")))
	admin(t, s, 201, nil, "POST", "/v1/destinations", json.RawMessage(body("Off", `,"enabled":false`)))
	var checked struct {
		Valid    bool
		Warnings []struct{ Field, Code, Message string }
	}
	input := map[string]any{"severity": "HIGH", "destinations": []string{"On", "nobody", "SKIP", "Off"}}
	admin(t, s, 200, &checked, "POST", "/v1/overrides/AWS%2FRoot%20Login/validate", input)
	got := []string{}
	for _, w := range checked.Warnings {
		got = append(got, w.Field+" "+w.Code)
	}
	if want := []string{"/destinations/1 UNKNOWN_DESTINATION", "/destinations/3 DISABLED_DESTINATION"}; !checked.Valid || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", checked, want)
	}
	admin(t, s, 404, nil, "GET", "/v1/overrides/AWS%2FRoot%20Login", nil)

	var stored struct {
		Warnings []struct{ Code, Message string }
	}
	admin(t, s, 200, &stored, "PUT", "/v1/overrides/AWS%2FRoot%20Login", input)
	for i, w := range stored.Warnings {
		if w.Code != checked.Warnings[i].Code || w.Message != checked.Warnings[i].Message {
			t.Errorf("warned of %v, and of %v before it was stored", w, checked.Warnings[i])
		}
	}
	if len(stored.Warnings) != len(checked.Warnings) {
		t.Errorf("warned of %d entries, and of %d before it was stored", len(stored.Warnings), len(checked.Warnings))
	}
}

func TestVersion_IsToldToAnyToken(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, func(c *server.Config) { c.Version = "0.3.1" })
	var got map[string]any
	admin(t, s, 200, &got, "GET", "/v1/version", nil)
	if got["version"] != "0.3.1" || got["api_version"] != 1.0 || got["oldest_api_version"] != 1.0 {
		t.Errorf("got %v", got)
	}
}
